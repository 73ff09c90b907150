"""``ParamStore``: unconstrained leaf tensors by name, each with its constraint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, KeysView, Mapping
from contextlib import AbstractContextManager, contextmanager
from os import PathLike

from torch import Tensor
from torch.distributions import constraints

from virgil.errors import ParamError
from virgil.params import message
from virgil.params.constraint import Constraint
from virgil.params.entries import Entries
from virgil.params.entry import Entry, Init, LeafRef, Owner, entry_from_init, entry_from_leaf, leaf_from_value
from virgil.params.file import read_params, write_params
from virgil.params.map_location import MapLocation
from virgil.params.state import State, check_constraint, check_restore, entries_from_state
from virgil.params.store_stack import Installable
from virgil.params.tensor_file import refusing

__all__ = ["ParamStore"]

_REAL = constraints.real


class ParamStore(Installable):
    """Parameters by name; behaves as a dict from names to constrained values.

    A store holds unconstrained leaf tensors. It returns constrained values, which are differentiable functions of the
    leaves; ``value.unconstrained()`` is the leaf.

    >>> import torch
    >>> store = ParamStore()
    >>> scale = store.get_param("scale", torch.tensor(2.0), constraint=constraints.positive)
    >>> scale.item(), scale.unconstrained().exp().item()
    (2.0, 2.0)
    >>> with store:  # the current store of this thread
    ...     list(store)
    ['scale']
    """

    def __init__(self) -> None:
        self._entries = Entries()

    # -- declaring and reading ---------------------------------------------------------------------------------------

    def get_param(
        self,
        name: str,
        init_tensor: Init | None = None,
        constraint: Constraint = _REAL,
        event_dim: int | None = None,
    ) -> Tensor:
        """The constrained value of a parameter. A new name gets the initial value ``init_tensor``.

        Args:
            name: the parameter's name.
            init_tensor: the constrained initial value, or a function that returns it, which is called for a new name
                only.
            constraint: the set of its values.
            event_dim: an argument of the statement, which concerns plates and not the store.

        Raises:
            MissingParamError: there is none of this name, and no initial value.
            ParamError: the initial value lies outside the constraint, or the name is there with another shape or
                constraint. The setting ``mismatch="warn"`` makes a warning of the latter.
        """
        entries = self._entries
        entry = entries.shared.get(name)
        if entry is None or entries.blocks:
            entry = self._special_entry(name, init_tensor, constraint)
        if constraint is not entry.constraint and not (init_tensor is None and constraint is _REAL):
            message.check_declared(name, entry.constraint, constraint)
        if isinstance(init_tensor, Tensor) and init_tensor.shape != entry.shape:
            message.mismatch(message.other_shape(name, entry.shape, init_tensor.shape))
        if entry.is_fresh:
            entries.put(name, entry.used())
        transform = entry.transform  # from here on what entry.value() does, without the call
        if transform is None:
            return entry.leaf
        value = transform(entry.leaf)
        value.unconstrained = entry.ref  # type: ignore[attr-defined]
        return value

    def _special_entry(self, name: str, init: Init | None, constraint: Constraint) -> Entry:
        """The entry of a name that is new, or of a thread that is inside a block of its own."""
        entry = self._entries.find(name)
        if entry is not None:
            return entry
        if init is None:
            raise self._entries.missing(name, "Give an initial value to make it.")
        return self._entries.create(name, entry_from_init(name, init, constraint))

    def setdefault(self, name: str, init_constrained_value: Init, constraint: Constraint = _REAL) -> Tensor:
        """The value of a parameter. A new name gets the initial value ``init_constrained_value``."""
        return self.get_param(name, init_constrained_value, constraint)

    def __getitem__(self, name: str) -> Tensor:
        return self._entries[name].value()

    def unconstrained(self, name: str) -> Tensor:
        """The leaf of a parameter."""
        return self._entries[name].leaf

    def constraint(self, name: str) -> Constraint:
        """The constraint of a parameter."""
        return self._entries[name].constraint

    def is_of_module(self, name: str) -> bool:
        """Return ``True`` if the store has the parameter and a module owns it."""
        entry = self._entries.by_name.get(name)
        return entry is not None and entry.owner is Owner.MODULE

    def bind(self, name: str, leaf: Tensor, constraint: Constraint = _REAL) -> None:
        """Hold the unconstrained tensor ``leaf`` of a module under ``name``.

        A value that was loaded under this name and not used since is copied into ``leaf``. Otherwise ``leaf`` replaces
        the parameter that had the name.

        Raises:
            ParamError: the loaded value has another shape or constraint than the module's.
        """
        entry = self._entries.by_name.get(name)
        if entry is not None and entry.leaf is leaf:
            if entry.is_fresh:
                self._entries.put(name, entry.used())
            return
        if self._entries.is_substituted():
            self._entries[name]  # raises for a name that was not captured
            return
        bound = entry_from_leaf(name, leaf, constraint, Owner.MODULE)
        if entry is not None and entry.is_fresh:
            check_constraint(name, entry, constraint)
            if leaf.shape != entry.leaf.shape:
                raise ParamError(message.other_shape(name, entry.leaf.shape, leaf.shape))
            self._entries.overwrite(leaf, entry.leaf)
        self._entries.put(name, bound)

    # -- changing ----------------------------------------------------------------------------------------------------

    def __setitem__(self, name: str, value: Tensor) -> None:
        """Give a parameter a new constrained value; a new name gets the constraint ``real``.

        If shape, dtype and device are the same, the leaf is written in place, and a module or an optimiser that holds
        it sees the new value. Otherwise the parameter gets a new leaf.
        """
        entry = self._entries.by_name.get(name)
        if entry is None:
            self._entries.create(name, entry_from_init(name, value, _REAL))
            return
        leaf = leaf_from_value(name, value, entry.constraint)
        old = entry.leaf
        if (leaf.shape, leaf.dtype, leaf.device) == (old.shape, old.dtype, old.device):
            self._entries.overwrite(old, leaf)
        elif entry.owner is Owner.MODULE:
            raise ParamError(message.module_owns(name, old, leaf))
        else:
            self._entries.put(name, entry_from_leaf(name, leaf.requires_grad_(True), entry.constraint, Owner.STATEMENT))

    def replace_param(self, param_name: str, new_param: Tensor, old_param: Tensor) -> None:
        """Give ``param_name``, whose present value is ``old_param``, the constrained value ``new_param``."""
        self._entries[param_name]
        if self.param_name(old_param) != param_name:
            raise ParamError(
                f"replace_param got an old value that is not the present value of parameter {param_name!r}. "
                f"Read it by get_param({param_name!r}), or assign by store[{param_name!r}] = value."
            )
        self[param_name] = new_param

    def __delitem__(self, name: str) -> None:
        self._entries[name]
        self._entries.put(name, None)

    def clear(self) -> None:
        """Forget all parameters."""
        for name in list(self._entries.by_name):
            self._entries.put(name, None)

    # -- looking -----------------------------------------------------------------------------------------------------

    def __contains__(self, name: object) -> bool:
        return name in self._entries.by_name

    def __len__(self) -> int:
        return len(self._entries.by_name)

    def __bool__(self) -> bool:
        return True  # an empty store is still a store: ``params or default`` must not lose it

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._entries.by_name))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}: {tuple(entry.shape)}" for name, entry in self._entries.by_name.items())
        return f"ParamStore({shown})"

    def keys(self) -> KeysView[str]:
        """The names as they are now, in the order of their first declaration."""
        return dict.fromkeys(self._entries.by_name).keys()

    def values(self) -> list[Tensor]:
        """The constrained values."""
        return [self[name] for name in self._entries.by_name]

    def items(self) -> list[tuple[str, Tensor]]:
        """Names with constrained values."""
        return [(name, self[name]) for name in self._entries.by_name]

    def named_parameters(self) -> list[tuple[str, Tensor]]:
        """Names with leaves, as an optimiser wants them."""
        return [(name, self._entries[name].leaf) for name in self._entries.by_name]

    def get_all_param_names(self) -> set[str]:
        """The names as a set."""
        return set(self._entries.by_name)

    def match(self, name: str) -> dict[str, Tensor]:
        """The constrained values of the parameters whose names begin with a match of the expression ``name``."""
        pattern = re.compile(name)
        return {each: self[each] for each in self._entries.by_name if pattern.match(each)}

    def param_name(self, param: Tensor) -> str | None:
        """The name of a leaf, or of a value read from this store; ``None`` for other tensors."""
        names = self._entries.names_of_leaves()
        found = names.get(id(param))
        if found is None and isinstance(ref := getattr(param, "unconstrained", None), LeafRef):
            found = names.get(id(ref.leaf()))
        return found

    # -- states and files --------------------------------------------------------------------------------------------

    def get_state(self) -> State:
        """A copy of all parameters: ``{"params": {name: leaf}, "constraints": {name: constraint}}``."""
        params = {name: each.leaf.detach().clone().requires_grad_(True) for name, each in self._entries.by_name.items()}
        return {
            "params": params,
            "constraints": {name: each.constraint for name, each in self._entries.by_name.items()},
        }

    def set_state(self, state: State) -> None:
        """Hold the parameters of ``state`` and no others.

        A parameter in use keeps its tensor, into which the value is written, so that modules and optimisers see it.

        Raises:
            ParamError: a parameter in use has another shape or constraint; the store is left as it was.
        """
        self.prepared(state)()

    def prepared(self, state: State, among_others: bool = False) -> Callable[[], None]:
        """Check a state whole; returns a function that holds it, as :meth:`set_state` does, and cannot be refused.

        With ``among_others``, parameters that the state lacks stay.

        Raises:
            ParamError: as for :meth:`set_state`.
        """
        loaded = entries_from_state(state)
        for name, entry in loaded.items():
            check_restore(name, self._entries.by_name.get(name), entry)
        return lambda: self._hold(loaded, among_others)

    def _hold(self, loaded: dict[str, Entry], among_others: bool) -> None:
        if not among_others:
            for name in self._entries.by_name.keys() - loaded.keys():
                self._entries.put(name, None)
        for name, entry in loaded.items():
            present = self._entries.by_name.get(name)
            if present is None or present.owner is Owner.NOBODY:
                self._entries.put(name, entry)
            else:
                self._entries.overwrite(present.leaf, entry.leaf)
                self._entries.put(name, present.written())

    def save(self, filename: str | PathLike[str]) -> None:
        """Write all parameters to a safetensors file; a file of this name is replaced in one piece.

        Raises:
            ParamError: a constraint has no written form.
        """
        write_params(filename, self.get_state())

    def load(self, filename: str | PathLike[str], map_location: MapLocation = None) -> None:
        """Hold the parameters of a file and no others. Nothing in the file is executed.

        Args:
            filename: a file that ``save`` wrote.
            map_location: the device for parameters that are not in use yet, as ``torch.load`` takes it; those in use
                stay where they are.

        Raises:
            FileFormatError: the file is damaged or was not written by ``save``, or a parameter in use has another
                shape or constraint; the store is left as it was.
        """
        state = read_params(filename, map_location)
        with refusing(filename):
            hold = self.prepared(state)
        hold()

    def __getstate__(self) -> State:
        return self.get_state()

    def __setstate__(self, state: State) -> None:
        self.__init__()  # type: ignore[misc]
        self.set_state(state)

    # -- for a while -------------------------------------------------------------------------------------------------

    @contextmanager
    def scope(self, state: State | None = None) -> Iterator[State]:
        """A block in which this thread has other parameters: none, or those of ``state``.

        Yields:
            A state that holds the inner parameters after the block; given again, it continues with the same leaves.
        """
        state = {"params": {}, "constraints": {}} if state is None else state
        inner = entries_from_state(state, adopt=True)
        with self._entries.replaced(inner):
            try:
                yield state
            finally:
                entries = self._entries.by_name
                state["params"] = {name: each.leaf for name, each in entries.items()}
                state["constraints"] = {name: each.constraint for name, each in entries.items()}

    def discarding(self) -> AbstractContextManager[None]:
        """A block after which the changes that this thread made in the store are undone: for a dry run.

        Other threads never see them.
        """
        return self._entries.discarding()

    def substituted(self, mapping: Mapping[str, Tensor]) -> AbstractContextManager[None]:
        """A block in which this thread reads leaves from ``mapping``: for a capture.

        The tensors need not be leaves. A parameter that ``mapping`` lacks is an error inside the block.
        """
        return self._entries.substituted(mapping)
