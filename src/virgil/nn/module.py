"""``PyroModule``: a network whose attributes are parameters and random variables of the program it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from virgil.errors import ArgumentError, shown
from virgil.nn.assigning import assign, declare, forget, is_overridden
from virgil.nn.attributes import Declared, PyroParam, PyroSample
from virgil.nn.call import Family, call_of, calls, pyro_method
from virgil.nn.mixing import Mixing
from virgil.nn.priors import with_tensors
from virgil.nn.reading import constrained, declared, leaf_name, leaf_of, read, value_of
from virgil.nn.tree import full_name_of, is_program, place, prepare
from virgil.poutine.runtime import installed

__all__ = ["PyroModule", "PyroModuleList", "PyroParam", "PyroSample", "clear", "pyro_method", "to_pyro_module_"]

_EMPTY: dict[str, Any] = {}


class PyroModule(nn.Module, metaclass=Mixing):
    """A network that is a program: reading its parameters and random variables makes statements.

    Derive from it, or make a layer of it by ``PyroModule[nn.Linear](3, 1)``. An attribute that is an ``nn.Parameter``
    or a :class:`PyroParam` is read by a ``param`` statement, a :class:`PyroSample` by a ``sample`` statement, under the
    dotted name of its place in the outermost module, such as ``"layer1.weight"``. A plain network inside is registered
    when it is read, as by ``virgil.module``. Within one call, from the outermost module's on, each attribute is read
    once and its value shared.

    A parameter has one owner, the module: the store in use holds the same leaf, by its dotted name. So ``state_dict``,
    ``.to(device)``, ``copy.deepcopy`` and ``pickle`` are those of any network.

    Args:
        name: put before the names of all attributes; for a module that is no part of another one.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from torch import nn
        >>> from virgil.nn import PyroModule, PyroSample
        >>> class Regression(PyroModule):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.linear = PyroModule[nn.Linear](2, 1)
        ...         self.linear.weight = PyroSample(dist.Normal(0.0, 1.0).expand([1, 2]).to_event(2))
        ...     def forward(self, x):
        ...         return self.linear(x)
        >>> tr = virgil.poutine.trace(Regression()).get_trace(torch.ones(3, 2))
        >>> tr.stochastic_nodes, tr.param_nodes
        (['linear.weight'], ['linear.bias'])
    """

    _pyro_declared: ClassVar[dict[str, Declared]] = {}
    _pyro_attributes: dict[str, Declared]
    _pyro_family: Family
    _pyro_name: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        known = {name: each for kind in reversed(cls.__mro__) for name, each in vars(kind).items()}
        cls._pyro_declared = {name: each for name, each in known.items() if isinstance(each, Declared)}

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        module = super().__new__(cls)
        prepare(module)
        return module

    def __init__(self, name: str = "") -> None:
        if not isinstance(name, str):
            raise ArgumentError(f"{type(self).__name__} got {name!r} as its name; it takes a string.")
        super().__init__()
        self.__dict__["_pyro_name"] = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the network; attributes read inside are shared until the outermost module's call ends."""
        under_way, family = calls.open, self.__dict__["_pyro_family"]
        if family in under_way:
            return super().__call__(*args, **kwargs)
        under_way[family] = {}
        try:
            return super().__call__(*args, **kwargs)
        finally:
            del under_way[family]

    def _pyro_get_fullname(self, name: str) -> str:
        """The dotted name of an attribute."""
        return full_name_of(self, name)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        attribute = own["_pyro_attributes"].get(name)
        if attribute is None:
            attribute = self._pyro_find(name)
            if attribute is None:
                return super().__getattr__(name)  # a buffer, or nothing
            if is_program(attribute):
                if not attribute.__dict__["_pyro_name"]:  # it has become one, or come here, behind the module's back
                    self._pyro_place(name, attribute)
                return attribute
        values, path = calls.open.get(own["_pyro_family"]), own["_pyro_name"]
        full_name = f"{path}.{name}" if path else name
        if values is not None:
            value = values.get(full_name)
            return read(self, name, full_name, attribute, values) if value is None else value
        if not isinstance(attribute, PyroSample) and (calls.making or not installed()):
            return value_of(self, name, attribute)
        with call_of(own["_pyro_family"]) as values:
            return read(self, name, full_name, attribute, values)

    def _pyro_find(self, name: str) -> Any:
        """A parameter, an attribute of the class, or a module inside; ``None`` where it is none of these."""
        own = self.__dict__
        found = own.get("_parameters", _EMPTY).get(name)
        if found is None:
            found = self._pyro_declared.get(name)
        return own.get("_modules", _EMPTY).get(name) if found is None else found

    def __setattr__(self, name: str, value: Any) -> None:
        if calls.open:  # what has been read in the call under way is not what it was
            calls.open.get(self.__dict__["_pyro_family"], _EMPTY).pop(full_name_of(self, name), None)
        if isinstance(value, Declared):
            declare(self, name, value)
        elif not assign(self, name, value):
            super().__setattr__(name, value)
            if isinstance(value, nn.Module) and name in self._modules:
                self._pyro_place(name, value)

    def __delattr__(self, name: str) -> None:
        if not forget(self, name):
            super().__delattr__(name)

    def add_module(self, name: str, module: nn.Module | None) -> None:
        """Add a module as an attribute; its own attributes get their dotted names."""
        super().add_module(name, module)
        if module is not None:
            self._pyro_place(name, module)

    def _pyro_place(self, name: str, module: nn.Module) -> None:
        place(module, full_name_of(self, name), self.__dict__["_pyro_family"])

    def named_pyro_params(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """The parameters by the names of their attributes, with their constrained values."""
        for path, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for name, leaf in module._parameters.items():
                attribute = name.removesuffix("_unconstrained")
                param = declared(module, attribute) if attribute != name else None
                if leaf is not None and isinstance(param, PyroParam):
                    yield f"{path}.{attribute}" if path else attribute, constrained(attribute, leaf, param)
                elif leaf is not None:
                    yield f"{path}.{name}" if path else name, leaf

    # As a network

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        for name, each in self._pyro_declared.items():
            if isinstance(each, PyroParam) and not is_overridden(self, name):
                leaf_of(self, name, each)  # what is made later would not be where, or of what dtype, the others are
        for name, attribute in list(self._pyro_attributes.items()):
            if isinstance(attribute, PyroSample) and attribute.is_given:
                prior = with_tensors(attribute.prior, fn)
                if prior is not attribute.prior:
                    self._pyro_attributes[name] = PyroSample(prior)
        super()._apply(fn, recurse)
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in {**self._pyro_declared, **self._pyro_attributes}:
            key = prefix + leaf_name(name)
            if isinstance(declared(self, name), PyroParam) and key in state_dict:
                self._parameters.setdefault(leaf_name(name), nn.Parameter(torch.empty_like(state_dict[key])))
        super()._load_from_state_dict(state_dict, prefix, *rest)


PyroModuleList = Mixing.__getitem__(PyroModule, nn.ModuleList)


def to_pyro_module_(m: nn.Module, recurse: bool = True) -> None:
    """Make a network a :class:`PyroModule`, in place: its class becomes ``PyroModule[type(m)]``.

    Args:
        m: the network.
        recurse: whether those inside become ones as well.

    Example:
        >>> import virgil.distributions as dist
        >>> from torch import nn
        >>> from virgil.nn import PyroModule, PyroSample, to_pyro_module_
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
        >>> to_pyro_module_(network)
        >>> for module in network.modules():
        ...     for name, value in list(module.named_parameters(recurse=False)):
        ...         setattr(module, name, PyroSample(dist.Normal(0.0, 1.0).expand(value.shape).to_event(value.dim())))
        >>> isinstance(network[0], PyroModule), list(network.parameters())
        (True, [])
    """
    if not isinstance(m, nn.Module):
        raise ArgumentError(f"to_pyro_module_() got {shown(m)}; it takes a torch.nn.Module.")
    if not is_program(m):
        vars(m).pop("_flat_weights", None)  # a recurrent network's list, of which the attributes take the place
        m.__class__ = PyroModule[type(m)]
        prepare(m)
    for name, child in m._modules.items():
        if child is not None:
            if recurse:
                to_pyro_module_(child)
            place(child, full_name_of(m, name), vars(m)["_pyro_family"])


def clear(mod: PyroModule) -> None:
    """Take all parameters, random variables and modules from a module, so that it can be filled anew."""
    if not isinstance(mod, PyroModule):
        raise ArgumentError(f"clear() got {shown(mod)}; it takes a PyroModule.")
    for held in (mod._pyro_attributes, mod._parameters, mod._modules):
        held.clear()
