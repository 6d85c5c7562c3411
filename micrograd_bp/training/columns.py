"""Columns of a DataFrame by their names: which are targets, which weights, which inputs.

A model remembers the names of its inputs, as it does those of classes (nn, ``note_columns``).
"""

from collections import Counter
from typing import Any


class Labels(list[Any]):
    """Names of columns, of which some may be numbers, as those of a DataFrame are."""


def is_named(data: Any) -> bool:
    """Whether data are the name of a column, or a list of names."""
    if isinstance(data, (str, Labels)):
        return True
    return isinstance(data, list) and all(isinstance(name, str) for name in data)


def labels_of(names: Any) -> list[Any]:
    """A name, or a list of names, as a list."""
    return [names] if isinstance(names, str) else [*names]


def columns_of(data: Any) -> list[str]:
    """The names of the columns of a DataFrame; none of anything else."""
    is_frame = hasattr(type(data), "columns") and getattr(data, "ndim", 2) == 2
    return [*data.columns] if is_frame else []


def refuse_twice(columns: list[Any]) -> None:
    """Raise for columns that are to go by their names, where two have the same.

    Raises:
        ValueError: they have.
    """
    for twice in [name for name, count in Counter(columns).items() if count > 1][:1]:
        raise ValueError(
            f"X has {columns.count(twice)} columns {twice!r}, and columns go by their names: give"
            " each its own"
        )


def other_columns(X: Any, named: dict[str, Any]) -> Labels:
    """The columns of X that are no tables of their own; those are, by what they are for.

    Raises:
        ValueError: one is no column of X, or two have one name.
    """
    columns = columns_of(X)
    refuse_twice(columns)
    taken: list[Any] = []
    for name, names in named.items():
        for each in labels_of(names):
            if each not in columns:
                has = ", ".join(map(repr, columns)) or "none"
                raise ValueError(f"{name} is {each!r}, which is no column of X: it has {has}")
            taken.append(each)
    return Labels(column for column in columns if column not in taken)


def by_name(X: Any, T: Any, sample_weight: Any = None) -> tuple[Any, Any, Any]:
    """The three in memory; T and sample_weight may be columns of X by name, and X is the others.

    A list of as many strings as X has rows is none of names, but of classes.

    Raises:
        ValueError: one is no column of X.
    """
    tables = {"T": T, "sample_weight": sample_weight}
    named = {name: x for name, x in tables.items() if _is_named_in(X, x)}
    if not named:
        return X, T, sample_weight
    inputs = other_columns(X, named)
    tables.update((name, X[x]) for name, x in named.items())
    return X[inputs], *tables.values()


def by_label(X: Any, names: list[str] | None, T: Any = None) -> Any:
    """The inputs by the names that they had in training; as they are, if they or it had none.

    Args:
        X: the inputs; of a DataFrame, whatever their order, and others may be among them.
        names: what ``fit`` noted.
        T: if these are columns of X by name, they stay.

    Raises:
        ValueError: a column is not there, or two have one name.
    """
    columns = columns_of(X)
    if not names or not columns or not all(isinstance(name, str) for name in [*names, *columns]):
        return X
    missing = [name for name in names if name not in columns]
    if missing:
        raise ValueError(
            f"the model was trained on the columns {', '.join(map(repr, names))}, and X lacks"
            f" {', '.join(map(repr, missing))}: it has {', '.join(map(repr, columns))}. An array of"
            " them, as by .to_numpy(), goes by their order"
        )
    targets = labels_of(T) if is_named(T) else []
    wanted = [*names, *(column for column in targets if column in columns)]
    if columns == wanted:
        return X
    refuse_twice([column for column in columns if column in wanted])
    return X[wanted]


def _is_named_in(X: Any, data: Any) -> bool:
    return isinstance(data, str) or bool(columns_of(X) and is_named(data) and len(data) != len(X))
