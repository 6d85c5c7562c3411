"""A page that steps through the forward pass, then the backward pass, node by node.

``explore`` writes one html file that needs nothing else: no server, no network, no library. Beside
the computation graph it shows the network diagram, and steps through the equations of the book unit
by unit (Bishop & Bishop, Deep Learning, 2024, section 8.1), where the graph has units. The page
lives: it computes the graph again where a leaf is changed, and takes steps of gradient descent,
for one data point or several.
"""

from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine import Value, topological_order
from ..messages import refuse_changed
from ..nn import MLP
from ..nn.units import find_passes
from ..numeric import show
from ..whole_file import file_name, write_whole
from .page import write_page

if TYPE_CHECKING:
    from ..training.losses import Loss
    from ..training.model_error import Model
    from .data_points import DataPoints

__all__ = ["Explorer", "explore"]

MAX_NODES = 10_000  # what a browser still opens and redraws at once, folded
HEIGHT = 720  # of the frame in a notebook, in CSS pixels
# A sandboxed page knows nothing of the notebook around it but the colour scheme of its frame.
THEMES = "".join(
    f'[data-jp-theme-light="{is_light}"] .micrograd-bp-page{{color-scheme:{scheme}}}'
    for is_light, scheme in (("true", "light"), ("false", "dark"))
)


class Explorer:
    """A page that shows itself in a notebook and saves itself as one html file.

    Args:
        html: the page.
        summary: what it shows, in a line.

    Attributes:
        html: the page, complete in itself.

    >>> Explorer("<!DOCTYPE html>", "<Explorer of nothing>")
    <Explorer of nothing>
    """

    def __init__(self, html: str, summary: str) -> None:
        self.html = html
        self._summary = summary

    def __repr__(self) -> str:
        return self._summary

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page to a file, which any browser opens.

        Args:
            path: a file name that ends in .html or .htm.

        Returns:
            The path of the file.

        Raises:
            ValueError: the name ends otherwise.
            OSError: the file cannot be written.

        >>> import tempfile
        >>> explorer = explore(Value(3.0, "x") ** 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     explorer.save(folder + "/square.html").name
        'square.html'
        """
        name = file_name(path)
        path = Path(name)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"cannot save {name!r}: need a name in .html; draw saves pictures")
        write_whole(path, self.html.encode())
        return path

    def _repr_html_(self) -> str:
        # Sandboxed: the page's script runs, and cannot reach the notebook around it.
        return (
            f"<style>{THEMES}</style>"
            f'<iframe class="micrograd-bp-page" srcdoc="{escape(self.html)}"'
            ' sandbox="allow-scripts"'
            f' title="{escape(self._summary)}" width="100%" height="{HEIGHT}"'
            ' style="border: 1px solid #999; border-radius: 6px"></iframe>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


def explore(
    root: "Value | Model",
    network: MLP | None = None,
    *,
    data: tuple[Any, Any] | None = None,
    loss: "str | Loss | None" = None,
    point: int = 1,
    max_nodes: int = MAX_NODES,
) -> Explorer:
    """Step through the forward and the backward pass of a graph, in a notebook or a browser.

    The page begins with every grad at 0 and a seed of 1, whatever the grads of the graph are now:
    its numbers are those of ``root.backward()`` on a graph just recorded. No grad is read or
    written. In the page each leaf can be changed: data and grads, equations and pictures are then
    those of the new numbers, and what the engine would refuse is refused in its words. A network
    with an error takes steps of gradient descent.

    A model with data points is asked for its error E_n at each: the page shows one of them, which
    is chosen there, and beside E_n the total E, the gradients of both, and the outputs of the
    model over its inputs, if these are one or two. Steps of gradient descent then lower E.

    A graph of more than 150 nodes is folded as ``draw`` folds it; a click on a fold shows its
    inside.

    Args:
        root: the Value to differentiate, such as the error E; or with ``data`` a model, as ``fit``
            takes it.
        network: the MLP whose diagram stands beside the graph, and whose units the mode "unit by
            unit" goes through. Of several forward passes, as in E = sum_n E_n, it is that of
            data point n; n is chosen in the page, and is at first that recorded last. The network
            can be left out: the units are then found by their scopes, "layer1/neuron3", if there
            are any.
        data: inputs and targets (X, T) of data points, as for ``fit``: 1,000 at most, and fewer
            for a graph of more than 100 nodes. The columns of a DataFrame go by their names, as
            for ``predict``.
        loss: of the model's outputs and the targets, as for ``fit``: E is the sum of E_n for
            "sum_of_squares", and the mean of them for every other.
        point: n of the data point that is shown at first, from 1.
        max_nodes: the largest number of nodes to show.

    Returns:
        The page. It shows itself in a notebook, and saves itself: ``explore(E).save("E.html")``.

    Raises:
        TypeError: root is no Value and no model with data and a loss, or network no MLP; or the
            data are no real numbers.
        ValueError: root was not computed from the outputs of network, the graph has more than
            max_nodes nodes, or the data of a node was changed after the forward pass; or what
            ``fit`` refuses of the model, the data or the loss.
        ImportError: a model with data, and there is no NumPy.

    >>> x, w = Value(0.5, "x"), Value(-1.25, "w")
    >>> explore((w * x).tanh())
    <Explorer of 4 nodes>
    >>> explore(MLP(2, [3, 1], seed=0)([0.5, -1.0]))
    <Explorer of 22 nodes and a network>
    >>> model = MLP(2, [3, 1], seed=0)
    >>> explore(model, data=([[0, 1], [1, 0]], [0.5, -0.5]), loss="sum_of_squares")
    <Explorer of 28 nodes, a network and 2 data points>
    """
    points = None
    if data is not None or loss is not None:
        points = _points(root, network, data, loss, point)
        network = root if isinstance(root, MLP) else None
        root = points.root
    if not isinstance(root, Value):
        advice = '; a model needs data=(X, T) and loss="sum_of_squares"' * callable(root)
        raise TypeError(f"explore needs a Value, such as the error E, not {show(root)}{advice}")
    if network is not None and not isinstance(network, MLP):
        raise TypeError(f"the network of explore is an MLP, not {show(network)}")
    order = topological_order(root)
    if len(order) > max_nodes:
        raise ValueError(
            f"a graph of {len(order)} nodes is too large to step through, the limit is {max_nodes}:"
            " explore the error of one data point, or an interior node, or take draw(root); or"
            f" allow more with max_nodes={len(order)}"
        )
    for node in order:
        refuse_changed(node)
    passes = find_passes(order, network)
    if network is not None and not passes and points is None:
        raise ValueError(
            "the root of explore was not computed from the outputs of this network: give the error"
            " of network(inputs), outside no_grad, or leave out network="
        )
    parts = [f"{len(order)} nodes", *["a network"] * bool(passes)]
    if points:
        parts.append(f"{len(points.rows)} data points")
    summary = " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
    return Explorer(write_page(order, passes, points), f"<Explorer of {summary}>")


def _points(root: Any, network: Any, data: Any, loss: Any, point: int) -> "DataPoints":
    if isinstance(root, Value) or network is not None:
        raise TypeError(
            "data= and loss= go with a model alone, explore(model, data=(X, T), loss=...): a Value"
            " has its data in it"
        )
    if data is None or loss is None:
        raise TypeError('a model needs both, data=(X, T) and a loss, such as loss="sum_of_squares"')
    try:
        from .data_points import record_points
    except ImportError as error:
        raise ImportError(
            f"explore of a model with data needs NumPy: pip install numpy ({error})"
        ) from error
    return record_points(root, data, loss, point)
