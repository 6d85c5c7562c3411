"""A plan as C99: one file that computes what the Program does, wherever there is a C compiler.

The elementary functions that are needed are picked from elementary.c; what the C library has is
its own.
"""

import re
from collections.abc import Sequence
from textwrap import indent

from ..messages import count
from . import c_syntax as c
from .c_functions import picked
from .c_steps import Steps
from .instructions import Plan
from .plain import Parts

_HEADER = """\
/* {name}: {what}, compiled from a recorded graph of Values by micrograd_bp.

   void {name}_value(
           {arguments}, double *outputs)
       {outputs} for each data point.
{gradient}
   n           how many data points
   inputs      n rows of {n_inputs}{inputs}
{parameters}
   C99, with the C library's mathematics and nothing else; nothing is allocated, and {stack} bytes
   of stack are used. Arithmetic is IEEE 754's: outside a domain the results are nan or infinite.
   Beside a pole, a derivative on a jump of step, floor and their like is nan.
   Compile it without -ffast-math: cc -std=c99 -O2 -c {name}.c (and link with -lm). */
"""
_GRADIENT = """
   double {name}_value_and_grad(
           {arguments}, double *gradient)
       The output summed over the data points, and the {n_parameters} sums of its derivatives by
       the parameters.
"""


def c_code(parts: Parts, name: str, baked: bool) -> str:
    """The C of a Program.

    Args:
        parts: what the Program is made of.
        name: with what the names of the two functions begin.
        baked: whether the parameters are those that it was recorded with, and no argument.

    Raises:
        TypeError: name is no string.
        ValueError: name is no name in C, or a function of the graph, or a derivative of an order
            over 100, has no form in C.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a C function is a string, not {name!r}")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", name):
        raise ValueError(
            f"the name of a C function is of letters, digits and _, such as network, not {name!r}"
        )
    plans = [plan for plan in (parts.forward, parts.summed) if plan is not None]
    bodies = [_Body(plan, name, baked) for plan in plans]
    used = {needed for body in bodies for needed in body.used}
    n_inputs, n_parameters = plans[0].n_inputs, plans[0].n_parameters
    takes_parameters = bool(n_parameters) and not baked
    arguments = "size_t n, const double *inputs" + ", const double *parameters" * takes_parameters
    names = parts.names
    header = _HEADER.format(
        name=name,
        what=count(len(plans[0].outputs), "output"),
        arguments=arguments,
        outputs=count(len(plans[0].outputs), "number"),
        gradient=_GRADIENT.format(name=name, arguments=arguments, n_parameters=n_parameters)
        if parts.summed
        else "",
        n_inputs=n_inputs,
        inputs=_listed(names[:n_inputs]),
        parameters=f"   parameters  {n_parameters}{_listed(names[n_inputs:])}\n"
        if takes_parameters
        else "",
        stack=max(body.n_stacked for body in bodies),
    )
    heads = [f"void {name}_value(\n    {arguments}, double *outputs)"]
    heads.append(f"double {name}_value_and_grad(\n    {arguments}, double *gradient)")
    functions = [
        f"{head} {{\n{body.text(summed)}}}\n"
        for head, body, summed in zip(heads, bodies, (False, True), strict=False)
    ]
    table = f"{name}_parameters"
    weights = [c.table("double", table, map(c.number, parts.recorded))] * (
        baked and any(f"{table}[" in function for function in functions)
    )
    includes = "#include <math.h>\n#include <stddef.h>\n"
    return "\n".join([header, includes, *picked(used), *weights, *functions])


def _listed(names: Sequence[str]) -> str:
    """The names of a few, in brackets."""
    if not any(names):
        return ""
    shown = [c.comment(one)[:20] or f"{i}" for i, one in enumerate(names[:4])]
    more = f", ..., {c.comment(names[-1])[:20]}" * (len(names) > 4)
    return f" ({', '.join(shown)}{more})"


class _Body:
    """The statements of one plan.

    Attributes:
        used: the functions that they call.
        n_stacked: how many bytes of numbers they keep on the stack.
    """

    def __init__(self, plan: Plan, name: str, baked: bool) -> None:
        self._plan = plan
        self._baked = baked
        self._steps = steps = Steps(plan, f"{name}_parameters" if baked else "parameters")
        once, each = (
            [line for step in part for line in steps.lines(step)] for part in (plan.once, plan.each)
        )
        self.used = steps.used
        looked_at = _looked_at([*once, *each])
        self._n_shut = {at: n for at, n in steps.n_shut.items() if at in looked_at}
        self._once, self._each = (
            [line for line, at in lines if at is None or at in looked_at] for lines in (once, each)
        )
        self._n_once = plan.n_scalars - plan.n_known
        self._n_rows = plan.n_rows - plan.n_inputs
        self.n_stacked = 8 * (self._n_once + self._n_rows) + sum(self._n_shut.values())

    def text(self, summed: bool) -> str:
        """All of them, of the function with these sums or with outputs for each data point."""
        plan = self._plan
        lines = [*self._steps.tables]
        if plan.constants:
            lines.append(c.table("double", "c", map(c.number, plan.constants)).rstrip())
        for array, size in (("s", self._n_once), ("r", self._n_rows)):
            if size:
                lines.append(f"double {array}[{size}];")
        lines += [f"char shut_{at}[{n}];" for at, n in self._n_shut.items()]
        if summed:
            lines.append("double value = 0.0;")
            if plan.n_sums > 1:
                lines.append(f"for (int i = 0; i < {plan.n_sums - 1}; i++) gradient[i] = 0.0;")
        each = list(self._each)
        each += [f"outputs[{k}] = {self._steps.at(place)};" for k, place in enumerate(plan.outputs)]
        advance = f"inputs += {plan.n_inputs}" + f", outputs += {len(plan.outputs)}" * (not summed)
        arguments = ["inputs", *["parameters"] * (plan.n_parameters > 0 and not self._baked)]
        arguments += ["gradient"] * summed
        unused = [
            f"(void){array};"
            for array in arguments
            if not any(f"{array}[" in line for line in (*lines, *self._once, *each))
        ]
        body = "\n".join([*lines, *unused, *self._once])
        loop = f"for (; n > 0; n--, {advance}) {{\n{indent(chr(10).join(each), '    ')}\n}}"
        end = "\nreturn value;" * summed
        return indent(f"{body}\n{loop}{end}\n".lstrip("\n"), "    ")


def _looked_at(lines: Sequence[tuple[str, int | None]]) -> set[int]:
    """The numbers of the shutters that lines ask for, but for notes of which nobody asks."""
    found: set[int] = set()
    while True:
        used = [line for line, at in lines if at is None or at in found]
        asked = {int(at) for line in used for at in re.findall(r"\bshut_(\d+)\[", line)}
        if asked <= found:
            return found
        found |= asked
