"""Statistics of streams against those of all samples at once, merged in any place."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.streaming import (
    CountMeanStats,
    CountMeanVarianceStats,
    CountStats,
    StackStats,
    StatsOfDict,
    StreamingStats,
)


def fed(stats, samples):
    for sample in samples:
        stats.update(sample)
    return stats


def expected(kind, samples):
    figures = {"count": len(samples)}
    if len(samples):
        figures |= {"samples": samples} if kind is StackStats else {}
        figures |= {"mean": samples.mean(0)} if kind in (CountMeanStats, CountMeanVarianceStats) else {}
        if kind is CountMeanVarianceStats:
            figures["variance"] = samples.var(0) if len(samples) > 1 else torch.full(samples.shape[1:], torch.nan)
    return figures


def check(found, wanted):
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, equal_nan=True, check_dtype=False)


@pytest.mark.parametrize("kind", [CountStats, CountMeanStats, CountMeanVarianceStats, StackStats])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize(("num", "cut"), [(0, 0), (1, 0), (1, 1), (9, 0), (9, 4), (9, 9)])
def test_two_streams_are_as_one(kind, shape, num, cut):
    torch.manual_seed(num)
    samples = torch.randn(num, *shape, dtype=torch.float64)
    check(fed(kind(), samples).get(), expected(kind, samples))
    left, right = fed(kind(), samples[:cut]), fed(kind(), samples[cut:])
    check(left.merge(right).get(), expected(kind, samples))
    check(left.get(), expected(kind, samples[:cut]))


def test_dicts_may_be_nested_and_keep_kinds():
    def nested():
        return StatsOfDict({"a": lambda: StatsOfDict(default=CountMeanStats)}, default=StackStats)

    samples = [{"a": {"u": torch.full((2,), float(i))}, "b": torch.tensor(float(i))} for i in range(4)]
    whole, parts = fed(nested(), samples).get(), fed(nested(), samples[:1]).merge(fed(nested(), samples[1:])).get()
    for found in (whole, parts):
        check(found["a"]["u"], {"count": 4, "mean": torch.full((2,), 1.5)})
        check(found["b"], {"count": 4, "samples": torch.arange(4.0)})


def test_a_key_that_one_stream_lacks():
    left, right = fed(StatsOfDict(), [{"x": 1}]), fed(StatsOfDict(), [{"y": 1}, {"y": 2}])
    assert left.merge(right).get() == {"x": {"count": 1}, "y": {"count": 2}}
    assert fed(left.merge(right), [{"x": 2}]).get() == {"x": {"count": 2}, "y": {"count": 2}}
    assert left.get() == {"x": {"count": 1}}


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="got a CountMeanStats for a CountStats"):
        CountStats().merge(CountMeanStats())
    with pytest.raises(TypeError, match="abstract"):
        StreamingStats()
