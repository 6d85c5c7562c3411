"""Neurons, layers and a multilayer perceptron, each unit two nodes of the graph.

A unit is its pre-activation a_j = sum_i w_ji z_i + w_j0, one ``dot`` node, and its activation
z_j = h(a_j) (Bishop & Bishop, Deep Learning, 2024, sections 6.2 and 8.1). So after a backward
pass from the error E, delta_j = dE/da_j is the grad of the node a_j, and the graph is the
diagram of the network. The interface is that of karpathy/micrograd.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MethodType
from typing import Any, Generic, TypeVar

from .. import elementary
from ..engine import Value, unit
from ..messages import knowing_misnomers, needing_packages, refuse_no_parameters
from ..modes import inside
from ..numeric import show
from . import activations, initial_weights
from .activations import read_activation
from .checks import as_inputs, check_inputs, check_size
from .initial_weights import bound_of, draw, generator

Activation = activations.Activation
Self = TypeVar("Self", bound="Module")

ACTIVATIONS: dict[str, Callable[[Value], Value]] = activations.ACTIVATIONS

INITIALIZERS: dict[str, Callable[[int, int], float] | None] = initial_weights.INITIALIZERS
"""The bound of the weights and biases at first, by the inputs and units of a layer."""


class _OfClassOrInstance(Generic[Self]):
    """A method that may be called on the class too, and is given the class then."""

    def __init__(self, method: Callable[[Any, str | os.PathLike[str]], Self]) -> None:
        self.__func__ = method

    def __get__(
        self, instance: Self | None, owner: type[Self]
    ) -> Callable[[str | os.PathLike[str]], Self]:
        return MethodType(self.__func__, owner if instance is None else instance)


class Module:
    """What has parameters; a network of one's own derives from it.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope = Value(2.0)
    ...     def __call__(self, x):
    ...         return self.slope * x
    ...     def parameters(self):
    ...         return [self.slope]
    >>> line = Line()
    >>> line(3.0).backward()
    >>> line.parameters()[0].grad
    3.0
    """

    classes: list[Any] | None = None
    """The names of the classes that it tells apart, if ``fit`` was given such."""
    _fitted_classes: list[Any] | None = None  # the same, unless others were given by hand
    _fitted_columns: list[str] | None = None  # of the DataFrame that ``fit`` was given, its inputs

    def parameters(self) -> list[Value]:
        """The weights and biases, in a fixed order: none, until a class of one's own says them.

        >>> Module().parameters()
        []
        """
        return []

    def zero_grad(self) -> None:
        """Set the grad of every parameter to 0.

        >>> neuron = Neuron(1, seed=0)
        >>> neuron([2.0]).backward()
        >>> neuron.zero_grad()
        >>> [p.grad for p in neuron.parameters()]
        [0.0, 0.0]
        """
        try:
            for parameter in self.parameters():
                parameter.grad = 0.0
        except AttributeError:
            refuse_no_parameters(self.parameters())
            raise

    def named_weights(self) -> Mapping[str, list[Value] | list[list[Value]]]:
        """The parameters by the names under which they are saved.

        Vectors are lists, and matrices lists of rows. A Module of one's own has one vector,
        "parameters", unless it says otherwise.

        >>> class Line(Module):
        ...     slope = Value(2.0)
        ...     def parameters(self):
        ...         return [self.slope]
        >>> Line().named_weights()
        {'parameters': [Value(data=2.0, grad=0.0)]}
        """
        parameters = self.parameters()
        refuse_no_parameters(parameters)
        return {"parameters": parameters}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the weights to a safetensors file, every bit of them.

        Names and shapes are those of PyTorch: layer l of an MLP, from 0, has "{2 l}.weight",
        (n_out, n_in), and "{2 l}.bias", as in a ``torch.nn.Sequential`` of ``Linear`` layers with
        a module for the activation after each (``torch.nn.Identity()`` for a linear one); a
        ``Layer`` or ``Neuron`` has "weight" and "bias", as ``torch.nn.Linear`` has. So
        ``sequential.double().load_state_dict(safetensors.torch.load_file(path))`` reads the file.

        Args:
            path: the file; one that is there is replaced, at once.

        Raises:
            ValueError: its name is that of another format: it ends in .pt, .pth, .bin, .pkl, .npz
                or .h5.
            OSError: the file cannot be written.
            ImportError: there is no safetensors (``pip install safetensors``).

        >>> import tempfile
        >>> model = MLP(2, [3, 1], seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.safetensors")
        ...     other = MLP(2, [3, 1], seed=1).load(f"{folder}/model.safetensors")
        >>> other([1.0, 2.0]).data == model([1.0, 2.0]).data
        True
        """
        weights_file = _weights_file()
        weights_file.save(self.named_weights(), path, self._noted())

    @_OfClassOrInstance
    def load(self: Any, path: str | os.PathLike[str]) -> Any:
        """Read the weights from a file that ``save`` or PyTorch wrote.

        ``model.load(path)`` takes them into the model; ``MLP.load(path)`` makes the MLP that
        wrote the file. The names of the classes, and of the columns that ``fit`` was given, come
        with them; where the file has none, the model has none either, but classes given by hand.

        Args:
            path: a safetensors file with the names and shapes that ``save`` gives, in double,
                single or half precision. Nothing in it is run, and no pickle is read.

        Returns:
            The model itself, or the new one.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is damaged, or of another model, or a weight is nan
                (``allow_nonfinite`` takes it). No weight has changed then. Or a model is to be
                made, and the file does not tell the activations, or one is the user's own.
            TypeError: it is called on a class other than MLP.
            ImportError: there is no safetensors (``pip install safetensors``).

        >>> import tempfile
        >>> trained = Neuron(2, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     trained.save(f"{folder}/neuron.safetensors")
        ...     neuron = Neuron(2, seed=1).load(f"{folder}/neuron.safetensors")
        >>> [w.data for w in neuron.w] == [w.data for w in trained.w]
        True
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     MLP(2, [3, 1], hidden="tanh").save(f"{folder}/model.safetensors")
        ...     print(MLP.load(f"{folder}/model.safetensors"))
        MLP of 2 inputs and 13 parameters:
          layer1: 3 units, tanh
          layer2: 1 unit, linear
        """
        weights_file = _weights_file()
        model = self._to_load(path) if isinstance(self, type) else self  # type: ignore[attr-defined]
        weights_file.load(model.named_weights(), path)
        noted = weights_file.noted(path)
        classes = noted.get("classes")
        note_classes(model, classes if isinstance(classes, list) else None)
        note_columns(model, noted.get("columns"))
        return model

    @classmethod
    def _to_load(cls, path: str | os.PathLike[str]) -> "Module":
        raise TypeError(
            f"{cls.__name__}.load makes no {cls.__name__}: make one, and model.load(path)"
        )

    def _noted(self) -> dict[str, Any]:
        """What a file says beside the weights."""
        is_plain = all(isinstance(name, (str, int, float)) for name in self.classes or [])
        noted = {"classes": self.classes if is_plain else None, "columns": self._fitted_columns}
        return {name: names for name, names in noted.items() if names}


def _weights_file() -> Any:
    with needing_packages("a file of weights"):  # NumPy, only where it is needed
        from . import weights_file
    return weights_file


def note_classes(model: Any, names: list[Any] | None) -> None:
    """Names of classes take the place of those that weights had before; none leaves others alone.

    >>> model = Module()
    >>> note_classes(model, ["a", "b"])
    >>> note_classes(model, None)
    >>> model.classes
    """
    earlier = getattr(model, "_fitted_classes", None)
    if names or (earlier is not None and earlier is model.classes):
        model.classes = model._fitted_classes = names


def note_columns(model: Any, names: Any) -> None:
    """Names of the columns of inputs, if they are strings, take the place of those before.

    >>> model = Module()
    >>> note_columns(model, ["x1", "x2"])
    >>> model._fitted_columns
    ['x1', 'x2']
    """
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        names = None
    if names or getattr(model, "_fitted_columns", None):
        model._fitted_columns = names or None


class Neuron(Module):
    """A unit: h(w . x + b), the weights uniform in [-1, 1], the bias 0.

    Args:
        nin: number of inputs.
        nonlin: micrograd's switch: False is short for activation="linear".
        activation: h, by name (a key of ``ACTIVATIONS``, or "linear") or as a function on Values.
        rng: a ``random.Random`` that draws the weights; the module ``random`` unless given.
        seed: in place of rng.
        index: j, the unit's number within its layer from 1, for its labels.
        is_output: whether its value is called y_j, and not z_j.
        path: the scope of its nodes, such as "layer1/neuron3", below the one in force.
        bound: weights and bias are uniform in [-bound, bound], if it is given.

    Attributes:
        w: the weights w_j1, w_j2, ..., Values.
        b: the bias w_j0, a Value.
        activation: the name of h.
        nonlin: whether there is an h; False for a linear unit.

    Raises:
        TypeError: nin is no integer, nonlin neither True nor False, or activation neither a name
            nor callable.
        ValueError: nin < 1, or a name that is not known.

    >>> neuron = Neuron(2, activation="tanh", seed=1)
    >>> z = neuron([1.0, -2.0])
    >>> z.label, z.parents[0].label
    ('z_1', 'a_1')
    """

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        activation: Activation = "relu",
        *,
        rng: Any = None,
        seed: int | None = None,
        index: int = 1,
        is_output: bool = False,
        path: str = "",
        bound: float | None = None,
    ) -> None:
        check_size("nin", nin)
        if nonlin not in (True, False):
            raise TypeError(
                f"nonlin is True or False, not {show(nonlin)}: what a neuron computes is chosen by"
                " its activation"
            )
        self._function, self.activation = read_activation(activation if nonlin else "linear")
        self.nonlin = self._function is not None
        weights, bias = draw(nin, bound, generator(rng, seed))
        self.w = [Value(w, weight_label(index, i)) for i, w in enumerate(weights, 1)]
        self.b = Value(bias, weight_label(index, 0))
        self._path = path
        for parameter in self.parameters():
            parameter.scope = inside(path)
        label = f"{'y' if is_output else 'z'}_{index}"
        linear_output = is_output and self._function is None
        self._labels = (label if linear_output else f"a_{index}", label)

    def __call__(self, x: Sequence[Any]) -> Value:
        """h(w . x + b), a Value.

        Args:
            x: nin inputs, Values or numbers.

        Raises:
            TypeError: an input is no number, or x no list, or a table of several rows.
            ValueError: the number of inputs is not nin.
        """
        check_inputs("neuron", x, len(self.w))
        return unit(self.w, x, self.b, self._function, self._labels, inside(self._path))

    def parameters(self) -> list[Value]:
        """The weights, then the bias.

        >>> [parameter.label for parameter in Neuron(2, seed=0).parameters()]
        ['w_11', 'w_12', 'w_10']
        """
        return [*self.w, self.b]

    def named_weights(self) -> dict[str, list[Value] | list[list[Value]]]:
        """A weight of one row, and a bias.

        >>> neuron = Neuron(2, seed=0)
        >>> neuron.named_weights() == {"weight": [neuron.w], "bias": [neuron.b]}
        True
        """
        return {"weight": [self.w], "bias": [self.b]}

    def __repr__(self) -> str:
        names = {"relu": "ReLU", "linear": "Linear"}
        return f"{names.get(self.activation, self.activation)}Neuron({len(self.w)})"


class Layer(Module):
    """Units side by side, all of the same inputs.

    Args:
        nin: number of inputs.
        nout: number of units.
        init: how large its weights are: a key of ``INITIALIZERS``; see ``MLP``.
        options: as for ``Neuron``, the same for each unit.

    Attributes:
        neurons: the units, in order.

    Raises:
        TypeError, ValueError: as for ``Neuron``, for nin, nout and the activation; or init is no
            such name.

    >>> layer = Layer(2, 3, activation="tanh", seed=1)
    >>> [z.label for z in layer([1.0, -2.0])]
    ['z_1', 'z_2', 'z_3']
    """

    def __init__(self, nin: int, nout: int, init: str = "uniform", **options: Any) -> None:
        check_size("nin", nin)
        check_size("nout", nout)
        bound = bound_of(init, nin, nout)
        rng = generator(options.pop("rng", None), options.pop("seed", None))
        path = options.pop("path", "")
        self._paths = [f"{path}/neuron{j}" if path else f"neuron{j}" for j in range(1, nout + 1)]
        self.neurons = [
            Neuron(nin, index=j, rng=rng, path=path, bound=bound, **options)
            for j, path in enumerate(self._paths, start=1)
        ]

    def __call__(self, x: Sequence[Any]) -> Any:
        """The units' activations, a list; the bare Value if there is one unit.

        Args:
            x: nin inputs, Values or numbers; a number becomes a leaf x_i, one for all the units.

        Raises:
            TypeError: an input is no number, or x no list, or a table of several rows.
            ValueError: the number of inputs is not nin.
        """
        outputs = self.outputs(as_inputs("layer", x, len(self.neurons[0].w)))
        return outputs[0] if len(outputs) == 1 else outputs

    def outputs(self, x: Sequence[Any]) -> list[Value]:
        """The units' activations, a list for one unit too; unit j in the scope neuron{j}.

        Args:
            x: nin inputs, Values or numbers.

        Raises:
            TypeError: an input is no number, or x no list, or a table of several rows.
            ValueError: the number of inputs is not nin.

        >>> (z,) = Layer(2, 1, seed=0).outputs([1.0, -2.0])
        >>> z.label, z.scope
        ('z_1', 'neuron1')
        """
        check_inputs("layer", x, len(self.neurons[0].w))
        paths = [inside(path) for path in self._paths] if inside("") else self._paths
        return [
            unit(neuron.w, x, neuron.b, neuron._function, neuron._labels, path)
            for neuron, path in zip(self.neurons, paths)
        ]

    def parameters(self) -> list[Value]:
        """Those of the units, unit by unit.

        >>> [parameter.label for parameter in Layer(1, 2, seed=0).parameters()]
        ['w_11', 'w_10', 'w_21', 'w_20']
        """
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]

    def named_weights(self) -> dict[str, list[Value] | list[list[Value]]]:
        """A weight of a row for each unit, and a bias.

        >>> [[w.label for w in row] for row in Layer(2, 2, seed=0).named_weights()["weight"]]
        [['w_11', 'w_12'], ['w_21', 'w_22']]
        """
        return {
            "weight": [neuron.w for neuron in self.neurons],
            "bias": [neuron.b for neuron in self.neurons],
        }

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))  # a notebook shows it as print does

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"

    def __str__(self) -> str:
        n = len(self.neurons)
        names = dict.fromkeys(neuron.activation for neuron in self.neurons)
        return f"{n} unit{'s' * (n != 1)}, {', '.join(names)}"


class MLP(Module):
    """A multilayer perceptron: layers of units, each layer's outputs the inputs of the next.

    Args:
        nin: number of inputs.
        nouts: number of units in each layer, the last the outputs.
        hidden: h of the hidden units, by name or as a function on Values.
        output: h of the output units.
        rng: a ``random.Random`` that draws the weights; the module ``random`` unless given.
        seed: in place of rng.
        init: how large the weights are at first. "uniform" is micrograd's: in [-1, 1], and
            biases 0. The others draw weights and, as scikit-learn does, biases from [-r, r],
            where r of a layer of n_out units, each of n_in inputs, is sqrt(6 / (n_in + n_out))
            for "glorot", sqrt(6 / n_in) for "he", and sqrt(3 / n_in) for "lecun". Layers of more
            than some ten units learn better with one of these.

    Attributes:
        layers: the layers, in order; scopes number them and their neurons from 1.

    Raises:
        TypeError: a size is no integer, or an activation neither a name nor callable.
        ValueError: a size < 1, no layer, or an activation or init whose name is not known.

    >>> model = MLP(2, [3, 1], hidden="sigmoid", output="linear", seed=0)
    >>> y = model([0.5, -0.5])
    >>> y.backward()
    >>> y.label, y.scope, len(model.parameters())
    ('y_1', 'layer2/neuron1', 13)
    """

    @knowing_misnomers({"activation": "hidden={}", "random_state": "seed={}"})
    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        hidden: Activation = "relu",
        output: Activation = "linear",
        *,
        rng: Any = None,
        seed: int | None = None,
        init: str = "uniform",
    ) -> None:
        if not isinstance(nouts, Iterable):
            raise TypeError(f"nouts is a list of sizes, such as [3, 1], not {show(nouts)}")
        sizes = [nin, *nouts]
        if len(sizes) < 2:
            raise ValueError("an MLP needs the size of one layer at least, not nouts=[]")
        for index, size in enumerate(sizes):
            check_size(f"nouts[{index - 1}]" if index else "nin", size)
        read_activation(hidden)  # an unknown name is refused also where no unit has it
        rng = generator(rng, seed)
        last = len(sizes) - 1
        self.layers = [
            Layer(
                sizes[index - 1],
                sizes[index],
                activation=output if index == last else hidden,
                is_output=index == last,
                path=f"layer{index}",
                rng=rng,
                init=init,
            )
            for index in range(1, last + 1)
        ]

    def __call__(self, x: Sequence[Any]) -> Any:
        """The outputs, a list of Values, or the bare Value if there is one.

        Args:
            x: nin inputs, Values or numbers; a number becomes a leaf x_i, one for all the units.

        Raises:
            TypeError: an input is no number, or x no list, or a table of several rows.
            ValueError: the number of inputs is not nin.
        """
        z = as_inputs("network", x, len(self.layers[0].neurons[0].w))
        for layer in self.layers:
            z = layer.outputs(z)
        return z[0] if len(z) == 1 else z

    def parameters(self) -> list[Value]:
        """Those of the layers, layer by layer.

        >>> [f"{p.scope}: {p.label}" for p in MLP(1, [1, 1], seed=0).parameters()][2:]
        ['layer2/neuron1: w_11', 'layer2/neuron1: w_10']
        """
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def named_weights(self) -> dict[str, list[Value] | list[list[Value]]]:
        """Those of layer l = 0, 1, ... under {2 l}.weight and {2 l}.bias.

        >>> list(MLP(2, [3, 1], seed=0).named_weights())
        ['0.weight', '0.bias', '2.weight', '2.bias']
        """
        return {
            f"{2 * index}.{name}": weights
            for index, layer in enumerate(self.layers)
            for name, weights in layer.named_weights().items()
        }

    def summary(self) -> Any:
        """The layers as a table, which shows itself at a prompt and in a notebook.

        >>> MLP(2, [3, 1], hidden="tanh").summary()
        layer   inputs  units  activation  parameters
        layer1       2      3  tanh                 9
        layer2       3      1  linear               4
        in all                                     13
        """
        from .summary import Summary  # tables of text, only where they are needed

        return Summary(self.layers)

    def _noted(self) -> dict[str, Any]:
        return {**super()._noted(), "activations": [_known(layer) for layer in self.layers]}

    @classmethod
    def _to_load(cls, path: str | os.PathLike[str]) -> "MLP":
        weights_file = _weights_file()
        sizes, noted = weights_file.sizes(path), weights_file.noted(path)
        activations = noted.get("activations")
        if not (
            isinstance(activations, list)
            and all(name in ("linear", *ACTIVATIONS) for name in activations)
            and len(activations) == len(sizes) - 1
            and len({*activations[:-1]}) < 2
        ):
            raise ValueError(
                f"{path} does not tell the activations, by names that are known, of an MLP: make"
                f" it, MLP({sizes[0]}, {sizes[1:]}, hidden=..., output=...), and model.load(path)"
            )
        return cls(sizes[0], sizes[1:], hidden=activations[0], output=activations[-1], seed=0)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"

    def __str__(self) -> str:
        nin, n = len(self.layers[0].neurons[0].w), len(self.parameters())
        first = f"MLP of {nin} input{'s' * (nin != 1)} and {n} parameters:"
        layers = (f"  layer{index}: {layer}" for index, layer in enumerate(self.layers, 1))
        return "\n".join([first, *layers])


def weight_label(j: int, i: int) -> str:
    """The name of the weight into unit j from unit i, i = 0 the bias: w_31, or w_12,3.

    >>> weight_label(3, 1), weight_label(12, 3)
    ('w_31', 'w_12,3')
    """
    return f"w_{j}{i}" if j < 10 and i < 10 else f"w_{j},{i}"


def _known(layer: Layer) -> str | None:
    """The name of the activation of a layer, from which it can be made again; None if it cannot."""
    (name, *others) = {neuron.activation for neuron in layer.neurons}
    ours = (None if name == "linear" else ACTIVATIONS.get(name), getattr(elementary, name, None))
    known = all(neuron._function in ours for neuron in layer.neurons)
    return name if known and not others else None
