"""States and files: what is saved comes back, and what is damaged is refused whole."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save, save_file
from torch.distributions import transform_to

from virgil.distributions import constraints
from virgil.errors import FileFormatError, ParamError
from virgil.params import ParamStore, register_constraint
from virgil.params.constraint import same_constraint
from virgil.params.constraint_json import constraint_from_json, constraint_to_json

# a constraint, and the shape of an unconstrained value
CONSTRAINTS = {
    "real": (constraints.real, (3,)),
    "real_vector": (constraints.real_vector, (2, 3)),
    "positive": (constraints.positive, (3,)),
    "nonnegative": (constraints.nonnegative, (3,)),
    "unit_interval": (constraints.unit_interval, ()),
    "greater_than": (constraints.greater_than(1.5), (3,)),
    "greater_than tensor": (constraints.greater_than(torch.tensor([0.1, 0.2, 1e-30])), (3,)),
    "greater_than_eq": (constraints.greater_than_eq(-1), (3,)),
    "less_than": (constraints.less_than(0.1), (3,)),
    "interval": (constraints.interval(-1.0, 2.0), (3,)),
    "interval float64": (constraints.interval(torch.tensor(0.1, dtype=torch.float64), 2.0), (3,)),
    "half_open_interval": (constraints.half_open_interval(-1.0, 2.0), (3,)),
    "independent": (constraints.independent(constraints.independent(constraints.positive, 1), 1), (2, 3)),
    "simplex": (constraints.simplex, (2, 3)),
    "lower_cholesky": (constraints.lower_cholesky, (3, 3)),
    "corr_cholesky": (constraints.corr_cholesky, (3,)),
    "positive_definite": (constraints.positive_definite, (3, 3)),
    "positive_semidefinite": (constraints.positive_semidefinite, (3, 3)),
    "cat": (constraints.cat([constraints.positive, constraints.unit_interval], dim=-1, lengths=[1, 2]), (3,)),
    "stack": (constraints.stack([constraints.positive, constraints.real], dim=-1), (3, 2)),
    "corr_matrix": (constraints.corr_matrix, (3,)),
    "ordered_vector": (constraints.ordered_vector, (3,)),
    "positive_ordered_vector": (constraints.positive_ordered_vector, (3,)),
    "softplus_lower_cholesky": (constraints.softplus_lower_cholesky, (3, 3)),
    "unit_norm": (constraints.unit_norm(1), (3,)),
    "softplus_positive": (constraints.softplus_positive, (3,)),
    "sphere": (constraints.sphere, (3,)),
    "unit_lower_cholesky": (constraints.unit_lower_cholesky, (3, 3)),
}
each_constraint = pytest.mark.parametrize(("constraint", "shape"), CONSTRAINTS.values(), ids=CONSTRAINTS)


class Custom(constraints.Constraint):
    """A constraint that the table does not know."""

    def check(self, value):
        return value > 0


class Named(Custom):
    """One that a test gives a written form."""


@transform_to.register(Named)
@transform_to.register(Custom)
def _custom(constraint):
    return transform_to(constraints.positive)


def filled() -> ParamStore:
    store = ParamStore()
    store.get_param("scale", torch.tensor([1.0, 2.0], dtype=torch.float64), constraints.positive)
    store["zero-dim"] = torch.tensor(0.1)
    store["empty"] = torch.zeros(0, 3)
    return store


def assert_same(left: ParamStore, right: ParamStore) -> None:
    assert list(left) == list(right)
    for name in left:
        assert torch.equal(left.unconstrained(name), right.unconstrained(name))
        assert left.unconstrained(name).dtype == right.unconstrained(name).dtype
        assert same_constraint(left.constraint(name), right.constraint(name))


@each_constraint
def test_a_constraint_is_written_and_read(constraint, shape):
    written = json.loads(json.dumps(constraint_to_json("x", constraint)))
    read = constraint_from_json("x", written)
    assert same_constraint(read, constraint)
    assert type(read) is type(constraint)


@each_constraint
def test_a_value_is_saved_and_loaded_bit_for_bit(constraint, shape, tmp_path):
    start = transform_to(constraint)(torch.randn(shape, dtype=torch.float64)).detach()
    store, loaded = ParamStore(), ParamStore()
    store.get_param("x", start, constraint)
    torch.testing.assert_close(store["x"], start)
    assert store["x"].shape == start.shape
    assert bool(constraint.check(store["x"]).all())
    store.save(tmp_path / "params")
    loaded.load(tmp_path / "params")
    assert_same(loaded, store)
    assert torch.equal(loaded.get_param("x", start, constraint), store["x"])


def test_a_file_replaces_the_content(tmp_path):
    store, other = filled(), ParamStore()
    other["else"] = torch.ones(1)
    store.save(tmp_path / "params")
    other.load(tmp_path / "params")
    assert_same(other, store)
    other.load(str(tmp_path / "params"), map_location="cpu")
    ParamStore().save(tmp_path / "params")
    other.load(tmp_path / "params")
    assert list(other) == []
    assert [path.name for path in tmp_path.iterdir()] == ["params"]


def test_tensors_may_share_memory_or_be_strided(tmp_path):
    store, loaded, base = ParamStore(), ParamStore(), torch.arange(6.0).reshape(2, 3)
    for name, view in {"whole": base, "row": base[0], "turned": base.T, "half": base[:, ::2]}.items():
        store.bind(name, view)
    store.save(tmp_path / "params")
    loaded.load(tmp_path / "params")
    assert loaded["turned"].tolist() == base.T.tolist()
    assert loaded["half"].tolist() == base[:, ::2].tolist()


@pytest.mark.parametrize("name", ["", "a b", "net.0.weight", "é$$$\n", "virgil"])
def test_names_are_free(name, tmp_path):
    store, loaded = ParamStore(), ParamStore()
    store[name] = torch.ones(1)
    store.save(tmp_path / "params")
    loaded.load(tmp_path / "params")
    assert list(loaded) == [name]


def test_a_reserved_name_is_refused(tmp_path):
    store = ParamStore()
    store["__metadata__"] = torch.ones(1)
    with pytest.raises(ParamError, match="reserves"):
        store.save(tmp_path / "params")


def test_a_constraint_without_a_written_form_is_refused_before_writing(tmp_path):
    store = filled()
    store.save(tmp_path / "params")
    before = (tmp_path / "params").read_bytes()
    store.get_param("own", torch.ones(1), Custom())
    with pytest.raises(ParamError, match=r"'own'.*Custom.*register_constraint"):
        store.save(tmp_path / "params")
    assert (tmp_path / "params").read_bytes() == before


def test_a_constraint_can_be_given_a_written_form(tmp_path):
    register_constraint("tests.Named", Named)
    store, loaded = ParamStore(), ParamStore()
    store.get_param("own", torch.ones(1), Named())
    store.save(tmp_path / "params")
    loaded.load(tmp_path / "params")
    assert type(loaded.constraint("own")) is Named


def test_any_truncated_file_is_refused_whole(tmp_path):
    filled().save(tmp_path / "params")
    content = (tmp_path / "params").read_bytes()
    store = filled()
    for length in range(0, len(content), 7):
        (tmp_path / "cut").write_bytes(content[:length])
        with pytest.raises(FileFormatError, match="cut"):
            store.load(tmp_path / "cut")
        assert_same(store, filled())


def _foreign(**header):
    about = {"kind": "parameters", "version": 1, "header": [], **header}
    return save({"x": torch.ones(1)}, metadata={"virgil": json.dumps(about)})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not a file of ours at all" * 10, "not a safetensors file"),
        (save({"x": torch.ones(1)}), "not one that Virgil wrote"),
        (save({"x": torch.ones(1)}, metadata={"virgil": "{"}), "not one that Virgil wrote"),
        (save({"x": torch.ones(1)}, metadata={"virgil": "[]"}), "not one that Virgil wrote"),
        (_foreign(kind="optimiser state"), "holds optimiser state, but parameters were expected"),
        (_foreign(version=2), "does not have the digest"),
        (_foreign(version=3), "format version 3"),
        (_foreign(header=[]), "do not fit its header"),
        (_foreign(header=7), "do not fit its header"),
        (_foreign(header=[["x", {"type": "eval"}]]), "does not know"),
        (_foreign(header=[["x", {"type": "interval"}]]), "does not know"),
        (
            _foreign(header=[["x", {"type": "greater_than", "lower_bound": {"tensor": 1, "dtype": "save"}}]]),
            "does not know",
        ),
    ],
)
def test_a_foreign_file_is_refused_whole(content, says, tmp_path):
    store = filled()
    (tmp_path / "foreign").write_bytes(content)
    with pytest.raises(FileFormatError, match=says):
        store.load(tmp_path / "foreign")
    assert_same(store, filled())


def test_integers_in_a_file_are_refused(tmp_path):
    about = {"kind": "parameters", "version": 1, "header": [["x", {"type": "real"}]]}
    save_file({"x": torch.ones(1, dtype=torch.int64)}, tmp_path / "params", metadata={"virgil": json.dumps(about)})
    with pytest.raises(FileFormatError):
        ParamStore().load(tmp_path / "params")


def test_a_missing_file_is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        ParamStore().load(tmp_path / "none")


def test_a_state_is_a_copy():
    store = filled()
    state = store.get_state()
    assert state["constraints"]["scale"] is constraints.positive
    with torch.no_grad():
        store.unconstrained("scale").zero_()
    store.set_state(state)
    assert_same(store, filled())


@pytest.mark.parametrize(
    ("name", "leaf", "constraint"),
    [("zero-dim", torch.ones(2), constraints.real), ("zero-dim", torch.tensor(1.0), constraints.positive)],
)
def test_a_state_that_does_not_fit_changes_nothing(name, leaf, constraint):
    store = filled()
    params = {"scale": torch.zeros(2, dtype=torch.float64), name: leaf, "new": torch.ones(1)}
    kinds = {"scale": constraints.positive, name: constraint}
    with pytest.raises(ParamError, match=f"'{name}'"):
        store.set_state({"params": params, "constraints": kinds})
    assert_same(store, filled())


@pytest.mark.parametrize("state", [None, {}, {"params": {"x": 1.0}}, {"x": torch.ones(1)}])
def test_what_is_no_state_is_refused(state):
    store = filled()
    with pytest.raises(ParamError, match="Take one from get_state"):
        store.set_state(state)
    assert_same(store, filled())


def test_a_sphere_is_read_as_older_files_have_it():
    assert constraint_from_json("x", {"type": "sphere"}) is constraints.sphere
