"""Programs: a recorded graph of Values, compiled once and run over batches of data.

The graph of one data point gives E_n; ``gradient`` gives the graph of dE_n/dw beside it. A
Program evaluates both for a whole data set, E = sum_n E_n and dE/dw = sum_n dE_n/dw. The passes
begin in lowering.py; the instructions run in C (_program.pyx), or on NumPy (interpreter.py) where
the package was installed without a compiler. A data point whose derivatives come out inf or nan
is left to the engine (by_engine.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from .. import functions, messages, modes, twins
from ..engine import Value, engine_kind, order_of
from ..numeric import show
from ..text.latex import Latex
from ..text.tables import escape_html
from ..transforms import recorded_gradient

with messages.needing_packages(__name__):
    import numpy

from . import collector, program_file
from .arguments import check_out, floats, in_order, thread_count
from .by_engine import by_engine
from .c_code import c_code
from .choices import warn_of_choices, warn_of_origins
from .equations import equations
from .instructions import Plan
from .interpreter import Executor, first_nonfinite, nonfinite_rows
from .jumps import JUMP, jumps
from .leaf_lists import check_leaves, in_words, listed, names_of
from .leaves import warn_of_leaves
from .listing import listing
from .notation import result_names
from .passes import check_nodes, lower
from .plain import Parts, from_plain, to_plain
from .planning import plan
from .traces import traced

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[numpy.float64]

if engine_kind() == "compiled":
    with twins.imported(__file__, "_program"):
        from ._program import Executor  # type: ignore[no-redef]


LINES = 40  # of a listing, that a notebook shows unasked


class Program:
    """A recorded graph that runs without Python.

    Operations are those that were recorded: a branch taken in Python for the recorded numbers
    is taken for all data points, and so is a comparison: ``x > 0`` is a bool. Of a Value that was
    compared, also by max or sorted, a UserWarning tells where the outputs or it were computed from
    an input. What is to depend on the data is
    ``where(step(x), ...)``, or ``maximum``, ``relu``, ``clip``; a branch that is not taken
    contributes nothing, whatever lies behind it. A model's weights are those of the call: to
    run with the present ones, pass ``[w.data for w in parameters]``.

    A UserWarning tells also of an input that is not in the graph, of parameters none of which is,
    and of a leaf with a label that was forgotten in both lists.

    Args:
        outputs: the Value to compute, such as the error E_n of one data point; or a list.
        inputs: the leaves that hold a data point, in the order of the data's columns.
        parameters: the leaves to differentiate by, such as ``model.parameters()``. All other
            leaves are constants.

    Raises:
        TypeError: something is no Value.
        ValueError: an input or a parameter is not a leaf, or there twice; data was changed after
            the forward pass; a condition of ``where`` was a bool or a number and not a Value; or
            the point where the graph was recorded has an infinite local derivative, so that the
            gradient cannot be recorded there.

    >>> w, b, x, t = (Value(1.0, label=name) for name in ("w", "b", "x", "t"))
    >>> program = Program((w * x + b - t) ** 2, inputs=[x, t], parameters=[w, b])
    >>> data = [[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]]
    >>> program(data, [2.0, 0.0])
    array([1., 1., 1.])
    >>> program.value_and_grad(data, [2.0, 0.0])
    (3.0, array([-6., -6.]))
    """

    def __init__(
        self,
        outputs: Value | Sequence[Value],
        inputs: Iterable[Value] = (),
        parameters: Iterable[Value] = (),
    ) -> None:
        inputs, parameters = listed("inputs", inputs), listed("parameters", parameters)
        order, _ = self._compile(outputs, inputs, parameters)
        if not (warn_of_choices(order, inputs, parameters) or warn_of_origins(inputs)):
            warn_of_leaves(order, inputs, parameters)

    @classmethod
    def _of_model(
        cls,
        outputs: Value | Sequence[Value],
        inputs: Sequence[Value],
        parameters: Sequence[Value],
    ) -> Program:
        """A program of a graph that was looked at before, and may leave data and weights unused."""
        program = cls.__new__(cls)
        _, compared = program._compile(outputs, inputs, parameters)
        warn_of_choices(order_of(compared), [*inputs, *parameters])
        return program

    @collector.paused
    def _compile(
        self,
        outputs: Value | Sequence[Value],
        columns: Sequence[Value],
        weights: Sequence[Value],
    ) -> tuple[list[Value], list[Value]]:
        """Lower the graph.

        Returns:
            Its nodes, in topological order; and those that partials of the user's compared.
        """
        self._single = isinstance(outputs, Value)
        wanted = [outputs] if isinstance(outputs, Value) else listed("outputs", outputs)
        if not wanted:
            raise ValueError("a program needs at least one output, and the list is empty")
        check_leaves(columns, weights)
        order = order_of(wanted)
        check_nodes(order, weights if self._single else [])
        self._recorded = numpy.array([weight.data for weight in weights])
        self._names = names_of([*columns, *weights])
        self._forward_executor = self._summed_executor = None
        compared: list[Value] = []
        with modes.changed(compared=compared):
            slopes = (
                recorded_gradient(wanted[0], weights, to_lower=True)
                if weights and self._single
                else []
            )
        with_slopes = order_of([*wanted, *slopes])
        graph, numbers = lower(with_slopes, columns, weights, recorded=set(order))
        self._graph, self._results = graph, [numbers[node] for node in (*wanted, *slopes)]
        for jump in jumps(graph, order, numbers, weights) if slopes else ():
            self._results[1] = graph.apply(functions.add, [self._results[1], jump])
        graph.forget()
        return order, compared

    # Each plan, and what runs it, is made when it is first asked for. They are plain attributes: a
    # cached property would be found later, and make all others of its object be found later.

    _forward_plan: Plan | None = None
    _summed_plan: Plan | None = None
    _forward_executor: Executor | None
    _summed_executor: Executor | None

    @property
    def _forward(self) -> Plan:
        if self._forward_plan is None:
            results = self._results[:1] if self._single else self._results
            self._forward_plan = plan(self._graph, results, summed=False)
        return self._forward_plan

    @property
    def _summed(self) -> Plan | None:
        if self._summed_plan is None and self._single:
            self._summed_plan = plan(self._graph, self._results, summed=True)
        return self._summed_plan

    def _executor_of_sums(self) -> Executor:
        summed = self._summed
        if summed is None:
            raise TypeError(
                "value_and_grad is of a program with one output, and this one was made with a list"
            )
        return Executor(summed)

    def __call__(
        self,
        inputs: ArrayLike = (),
        parameters: ArrayLike | None = None,
        *,
        threads: int = 1,
        errors: Literal["raise", "ignore"] = "raise",
        out: Floats | None = None,
    ) -> Any:
        """The outputs, for one data point or for each of a batch.

        Args:
            inputs: numbers of shape (n_inputs,), or (N, n_inputs) for N data points. Of a
                DataFrame that has a column by the label of each input, those are taken.
            parameters: numbers of shape (n_parameters,); unless given, those recorded. Of a
                Series of pandas that has the label of each, those are taken; of inputs likewise.
            threads: how many to run on; the result is the same to the last bit.
            errors: "ignore" gives inf and nan where "raise" raises.
            out: an array of float64 to write the outputs into, of the shape of what is returned
                else, in C order; it shares no memory with the arguments.

        Returns:
            Of a program with one output a float, or an array of shape (N,); of one with a list
            of outputs an array of shape (n_outputs,) or (N, n_outputs). With ``out`` that array.

        Raises:
            TypeError: something is not made of real numbers, or is Dask's (which
                ``training.cluster.value_and_grad`` takes), or out is no array of float64.
            ValueError: a shape is wrong, or an option is unknown, or out is not such an array.
            FloatingPointError: finite numbers gave inf or nan; the message names the operation
                and the data point. They are in out then.

        >>> x, w = Value(1.0, label="x"), Value(2.0, label="w")
        >>> program, y = Program(w * x, inputs=[x], parameters=[w]), numpy.empty(2)
        >>> program([[1.0], [3.0]], out=y) is y, y
        (True, array([2., 6.]))
        """
        executor = self._forward_executor
        if executor is None:
            executor = self._forward_executor = Executor(self._forward, self._single)
        if parameters is None:
            parameters = self._recorded
        if errors == "raise":
            found: Any = executor.finite(inputs, parameters, threads, out)
            if found is not None:
                return found
        points, weights = self._checked(inputs, parameters)
        n_outputs = () if self._single else (len(self._forward.outputs),)
        shape = (*points.shape[:-1], *n_outputs)
        _, result, finite = _run(executor, points, weights, threads, errors, out, shape)
        if not finite and errors == "raise":
            good = numpy.isfinite(points).all(axis=-1) & numpy.isfinite(weights).all()
            table = numpy.reshape(result, (*points.shape[:-1], -1))
            rows = numpy.flatnonzero(good & ~numpy.isfinite(table).all(axis=-1))
            if len(rows):  # else inf or nan came in, and went through
                raise self._fault(self._forward, points, rows, weights)
        return result

    def value_and_grad(
        self,
        inputs: ArrayLike = (),
        parameters: ArrayLike | None = None,
        *,
        threads: int = 1,
        errors: Literal["raise", "ignore"] = "raise",
        out: Floats | None = None,
    ) -> tuple[float, Floats]:
        """The output and its gradient by the parameters, each summed over the data points.

        Args:
            inputs: numbers of shape (n_inputs,), or (N, n_inputs) for N data points. Of a
                DataFrame that has a column by the label of each input, those are taken.
            parameters: numbers of shape (n_parameters,); unless given, those recorded. Of a
                Series of pandas that has the label of each, those are taken; of inputs likewise.
            threads: how many to run on; the result is the same to the last bit.
            errors: "ignore" gives inf and nan where "raise" raises. Of a data point whose output
                is inf or nan, derivatives may then be others than the engine's, such as nan for 0.
            out: an array of float64 of shape (n_parameters,) to write the gradient into, in C
                order; it shares no memory with the arguments.

        Returns:
            The pair (sum_n E_n, sum_n dE_n/dw), the gradient an array of shape (n_parameters,):
            ``out``, if that is given, so that nothing is allocated.

        Raises:
            TypeError: the program has a list of outputs, or something is not made of real
                numbers, or is Dask's (which ``training.cluster.value_and_grad`` takes), or out
                is no array of float64.
            ValueError: a shape is wrong, or an option is unknown, or out is not such an array.
            FloatingPointError: finite numbers gave inf or nan; the message names the operation
                and the data point. What is in out then is unspecified.

        >>> w, x = Value(1.0, label="w"), Value(1.0, label="x")
        >>> program = Program((w * x) ** 2 / 2, inputs=[x], parameters=[w])
        >>> program.value_and_grad([[1.0], [2.0]], [3.0])  # dE/dw = sum_n w x_n^2
        (22.5, array([15.]))
        """
        executor = self._summed_executor
        if executor is None:
            executor = self._summed_executor = self._executor_of_sums()
        if parameters is None:
            parameters = self._recorded
        if errors == "raise":
            found: Any = executor.finite(inputs, parameters, threads, out)
            if found is not None:
                return found  # type: ignore[no-any-return]
        points, weights = self._checked(inputs, parameters)
        shape = self._recorded.shape
        value, slopes, finite = _run(executor, points, weights, threads, errors, out, shape)
        if not finite:
            found = value, slopes
            value, slopes[...] = self._left_to_the_engine(executor, points, weights, errors, found)
        return value, slopes

    def trace(self, library: Any) -> Callable[..., Any]:
        """The program as a function built on another array library.

        Args:
            library: the module ``numpy``, ``jax.numpy`` or ``torch``.

        Returns:
            A function of inputs, of shape (n_inputs,) or (N, n_inputs), and parameters, of shape
            (n_parameters,), both arrays of the library; without parameters, of those recorded.
            It gives the outputs as the call gives them, but as arrays always. The library can
            differentiate and compile it: a branch that is not taken contributes nothing there
            either. A shape that it cannot have is a ValueError.

        Raises:
            TypeError: the library is none of the three.

        >>> x, w = Value(2.0), Value(3.0)
        >>> f = Program(w * x**2, inputs=[x], parameters=[w]).trace(numpy)
        >>> f(numpy.array([[1.0], [2.0]]), numpy.array([10.0]))
        array([10., 40.])
        """
        return traced(self._forward, library, self._recorded.tolist(), self._single)

    def c_code(self, name: str = "network", *, weights: bool = False) -> str:
        """The program as one self-contained file of C99, which needs the C library's maths only.

        It has two functions, described at its top: ``NAME_value``, the outputs for N data points,
        and, of a program with one output, ``NAME_value_and_grad``, the sums of the output and of
        its derivatives over N data points. Nothing is allocated. Its elementary functions are
        within 4 ulp, but next to where they are 0 for logaddexp, lgamma, digamma and their
        like, the second derivatives of silu and ``**``, and the third derivatives of atan2.

        Args:
            name: what the names of the functions begin with.
            weights: whether the parameters are baked in as they were recorded, so that a trained
                network stands alone.

        Raises:
            TypeError: name is no string.
            ValueError: name is no name in C, or the graph has a function without a form in C, or
                a derivative of an order over 100.

        >>> x, w = Value(2.0, label="x"), Value(3.0, label="w")
        >>> code = Program(w * x, inputs=[x], parameters=[w]).c_code("line")
        >>> print(code.split("*/")[1].partition("double line_value_and_grad")[0])
        <BLANKLINE>
        <BLANKLINE>
        #include <math.h>
        #include <stddef.h>
        <BLANKLINE>
        void line_value(
            size_t n, const double *inputs, const double *parameters, double *outputs) {
            double r[1];
            for (; n > 0; n--, inputs += 1, outputs += 1) {
                r[0] = parameters[0] * inputs[0];
                outputs[0] = r[0];
            }
        }
        <BLANKLINE>
        <BLANKLINE>
        """
        return c_code(self._parts(), name, weights)

    def latex(self) -> Latex:
        r"""What ``print`` shows of the program, as LaTeX for math mode: its matrix equations.

        Returns:
            The source, a string, which a notebook shows as formulas: the forward pass, and
            of a program with one output the backward pass with the sums over the data points n.
            Functions of vectors are taken of each of their numbers, and so is the product where
            it is written ``\odot``; the units of a layer count from 1. Of more than a hundred
            lines the middle is left out.

        >>> w, x, t = Value(1.0, label="w"), Value(2.0, label="x"), Value(0.5, label="t")
        >>> print(Program((w * x - t) ** 2 / 2, inputs=[x, t], parameters=[w]).latex())
        \begin{aligned}
        v_{1} &= w x - t \\
        \partial E / \partial w &= \sum_{n} v_{1} x \\
        E &= \sum_{n} \frac{v_{1}^{2}}{2}
        \end{aligned}
        """
        return equations(self._summed or self._forward, self._names)

    def __str__(self) -> str:
        return listing(self._summed or self._forward, self._names)

    def __repr__(self) -> str:
        forward = self._forward
        return (
            f"<Program of {messages.count(forward.n_inputs, 'input')},"
            f" {messages.count(forward.n_parameters, 'parameter')} and"
            f" {messages.count(len(forward.outputs), 'output')}>"
        )

    def _repr_html_(self) -> str:
        lines = str(self).splitlines()
        if len(lines) > LINES:
            lines[LINES:] = [f"... {len(lines) - LINES} more lines: print(program)"]
        return "<pre>{}</pre>".format("\n".join(map(escape_html, lines)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program to a file: JSON with a checksum, every bit of its numbers.

        The file is replaced at once: it is never there in part. What reads it runs no code, so
        it may come from anywhere; a pickle may not.

        Args:
            path: the file.

        Raises:
            OSError: the file cannot be written.

        >>> import tempfile
        >>> x = Value(1.0, label="x")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Program(x * x, inputs=[x]).save(f"{folder}/square.json")
        ...     program = Program.load(f"{folder}/square.json")
        >>> program([3.0])
        9.0
        """
        program_file.save(self._parts(), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Program:
        """Read a program that ``save`` wrote.

        Args:
            path: the file.

        Returns:
            The program: the same plans, numbers and names.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no such file, or damaged, or of a later version; the message says
                where.

        >>> import tempfile
        >>> x = Value(1.0, label="x")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Program([x, x * x], inputs=[x]).save(f"{folder}/powers.json")
        ...     Program.load(f"{folder}/powers.json")
        <Program of 1 input, 0 parameters and 2 outputs>
        """
        program = cls.__new__(cls)
        program._take(program_file.load(path))
        return program

    def __getstate__(self) -> dict[str, Any]:
        """Numbers and strings only: the functions by their names in the table."""
        return to_plain(self._parts())

    def __setstate__(self, state: Any) -> None:
        self._take(from_plain(state))

    def _parts(self) -> Parts:
        recorded = tuple(self._recorded.tolist())
        return Parts(self._single, recorded, self._names, self._forward, self._summed)

    def _take(self, parts: Parts) -> None:
        self._single, self._names = parts.single, parts.names
        self._recorded = numpy.array(parts.recorded, dtype=float)
        self._forward_plan, self._summed_plan = parts.forward, parts.summed
        self._forward_executor = self._summed_executor = None

    def _checked(self, inputs: Any, parameters: Any) -> tuple[Floats, Floats]:
        """The arguments as arrays in C order, of the right shapes."""
        n_parameters = len(self._recorded)
        n_inputs = len(self._names) - n_parameters
        points = floats("inputs", in_order(inputs, self._names[:n_inputs]))
        if points.ndim not in (1, 2) or points.shape[-1] != n_inputs:
            raise ValueError(
                f"the inputs have the shape ({n_inputs},) for one data point or (N, {n_inputs})"
                f" for N of them, a column for each of {in_words(self._names[:n_inputs], 'x')};"
                f" these have the shape {points.shape}"
            )
        if parameters is None:
            return points, self._recorded
        weights = floats("parameters", in_order(parameters, self._names[n_inputs:]))
        if weights.shape != (n_parameters,):
            raise ValueError(
                f"the parameters have the shape ({n_parameters},), one number for each of"
                f" {in_words(self._names[n_inputs:], 'w')}; these have the shape {weights.shape}"
            )
        return points, weights

    def _left_to_the_engine(
        self,
        executor: Executor,
        points: Floats,
        weights: Floats,
        errors: str,
        found: tuple[float, Floats],
    ) -> tuple[float, Floats]:
        """The sums, with the data points that have inf or nan in a derivative done by the engine.

        Where it has them too, that is an error, unless errors are ignored or they are given.
        """
        summed, table = self._summed, numpy.atleast_2d(points)
        if summed is None:
            return found
        bad = nonfinite_rows(summed, table, weights)
        finite: Any = numpy.isfinite(table).all(axis=1)
        finite &= numpy.isfinite(weights).all()
        asked = finite & (bad > 0) if errors == "raise" else finite & (bad == 1)
        if summed.has_branches:
            asked |= bad == 1
        rows = numpy.flatnonzero(asked)
        if not len(rows) and (errors == "ignore" or not finite.all()):
            return found
        again = []
        try:
            for row in rows.tolist():
                point, ignored = table[row], errors == "ignore" or not finite[row]
                again.append(by_engine(self._forward, point, weights, self._names, ignored))
        except ArithmeticError as error:
            raise self._fault(summed, points, rows[len(again) :], weights, error) from None
        others = numpy.delete(table, rows, axis=0)
        value, slopes, _ = executor.run(others, weights)  # type: ignore[misc]
        with numpy.errstate(over="ignore", invalid="ignore"):
            sums = numpy.sum([[value, *slopes], *again], axis=0)
        if errors == "raise" and finite.all() and not numpy.isfinite(sums).all():
            what = "a sum over the data points is beyond the largest float, 1.8e308"
            raise FloatingPointError(f'{what}; to get such results instead, pass errors="ignore"')
        return float(sums[0]), sums[1:]

    def _fault(
        self, run: Plan, points: Floats, rows: Any, weights: Floats, error: object = ""
    ) -> FloatingPointError:
        """What tells of the first of some data points that has inf or nan of finite numbers.

        Args:
            error: what the engine says of the first row; the words are its own where the program
                only knows of a jump.
        """
        results = result_names(run, self._names)
        what, row = first_nonfinite(run, numpy.atleast_2d(points), rows, weights, results)
        if JUMP in what:
            what = str(error).partition(";")[0]
        at = f", at data point {row}" if points.ndim == 2 and row is not None else ""
        return FloatingPointError(f'{what}{at}; to get such results instead, pass errors="ignore"')


def _run(
    executor: Executor,
    points: Floats,
    weights: Floats,
    threads: int,
    errors: str,
    out: Floats | None,
    shape: tuple[int, ...],
) -> Any:
    """Run what is no quick call: with the other arguments checked, and results as they come."""
    if errors not in ("raise", "ignore"):
        raise ValueError(f"errors is 'raise' or 'ignore', not {show(errors)}")
    if out is not None:
        check_out(out, shape, points, weights)
    return executor.run(points, weights, thread_count(threads), out)
