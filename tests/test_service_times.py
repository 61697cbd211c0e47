"""Service times from a histogram of Prometheus.

Oracles: distributions whose shares in the buckets are known exactly (SciPy's), and rules of Prometheus
(histogram_quantile, cumulative buckets, sums over instances).
"""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import stats

from recovery.cli import main as cli
from recovery.reading import histogram
from recovery.reading.experiment import parse
from recovery.study.fit import service_times as fits

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # of Kubernetes' API server
EXPONENTIAL = stats.expon(scale=0.03)
SIGMA = np.sqrt(np.log1p(1.5**2))
LOGNORMAL = stats.lognorm(SIGMA, scale=0.02 / np.exp(SIGMA**2 / 2))  # mean 20 ms, cv 1.5


def counts_of(distribution: object, total: float = 1e6) -> list[float]:
    return [total * float(distribution.cdf(bound)) for bound in BOUNDS] + [total]  # type: ignore[attr-defined]


def scrape(counts: list[float], name: str = "request_seconds", labels: str = "") -> str:
    les = [*map(str, BOUNDS), "+Inf"]
    rows = [f'{name}_bucket{{{labels}le="{le}"}} {count}' for le, count in zip(les, counts, strict=True)]
    return "\n".join([f"# TYPE {name} histogram", *rows, f"{name}_sum 1", f"{name}_count {counts[-1]}", ""])


def call(*words: object) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


@pytest.mark.parametrize(
    ("distribution", "dist", "mean_s", "cv"),
    [(EXPONENTIAL, "exponential", 0.03, 1.0), (LOGNORMAL, "lognormal", 0.02, 1.5)],
)
def test_what_made_the_buckets_is_found_again(
    tmp_path: Path, distribution: object, dist: str, mean_s: float, cv: float
) -> None:
    file = tmp_path / "metrics.txt"
    file.write_text(scrape(counts_of(distribution)))
    result = call("service-times", file, "--json")
    assert result.exit_code == 0, result.output
    best, other = json.loads(result.stdout)["families"]
    assert best["dist"] == dist
    assert (best["mean_s"], best["cv"]) == (pytest.approx(mean_s, rel=1e-3), pytest.approx(cv, rel=2e-3))
    assert best["misfit_share"] < 1e-4 < other["misfit_share"]


def test_rare_long_times_are_in_the_mean(tmp_path: Path) -> None:
    """Half up to 10 ms, all but 400 of a million up to 20 ms, these up to 10 s: by hand, each in the middle of its
    bucket, (0.5 · 5 + 0.4996 · 15 + 0.0004 · 5010) ms.
    """
    file = tmp_path / "metrics.txt"
    rows = [f'request_seconds_bucket{{le="{le}"}} {n}' for le, n in ((0.01, 500_000), (0.02, 999_600), (10, 10**6))]
    rows += ['request_seconds_bucket{le="+Inf"} 1000000', "request_seconds_count 1000000"]
    file.write_text("\n".join(["# TYPE request_seconds histogram", *rows, ""]))
    found = json.loads(call("service-times", file, "--json").stdout)
    assert found["mean_s"] == pytest.approx(2.5e-3 + 0.4996 * 15e-3 + 0.0004 * 5.01)
    assert found["file_mean_s"] == pytest.approx(10e-3, rel=1e-3)
    assert (
        "10 ms on average, as the rarest are not in it"
        in call("service-times", file, "--out", tmp_path / "t.csv").stdout
    )


def test_the_lines_fit_into_a_scenario(tmp_path: Path) -> None:
    file, times = tmp_path / "metrics.txt", tmp_path / "times.csv"
    file.write_text(scrape(counts_of(LOGNORMAL)))
    result = call("service-times", file, "--out", times)
    lines = [line for line in result.stdout.splitlines() if line.startswith("establish_time")]
    assert len(lines) == 3
    text = 'horizon = "10m"\nhold = "1m"\nfleet = { holders = 10, hosts = 1 }\n'
    text += 'lease = { duration = "1m", check_every = "20s" }\n'
    means = []
    for line in lines:
        assert set(tomllib.loads(line)) == {"establish_time"}
        checked = parse(f'{text}[host]\ntimeout = "5s"\n{line}\n', folder=tmp_path)
        means.append(checked.first.scenario.host.establish_time.mean_s())
    assert means[0] == pytest.approx(0.02, rel=1e-3)
    shares = np.diff(np.array(counts_of(LOGNORMAL)) / 1e6, prepend=0.0)
    middles = np.append(np.add((0.0, *BOUNDS[:-1]), BOUNDS) / 2, BOUNDS[-1])  # spread evenly within each bucket
    assert means[2] == pytest.approx(shares @ middles, rel=5e-3)


def test_measured_times_are_the_quantiles_that_prometheus_tells(tmp_path: Path) -> None:
    """histogram_quantile: straight lines within a bucket from its lower bound on, the first from 0."""
    file = tmp_path / "h.csv"
    file.write_text("le,count\n0.1,50\n0.2,80\n1,100\n+Inf,100\n")
    found = fits.quantiles(histogram.read(file))
    assert np.quantile(found, 0.25) == pytest.approx(0.05, abs=2e-3)  # half of the first bucket
    assert np.quantile(found, 0.65) == pytest.approx(0.15, abs=2e-3)  # half of the second
    assert np.quantile(found, 0.9) == pytest.approx(0.6, abs=5e-3)


def matrix(values: dict[str, list[float]]) -> str:
    result = [
        {"metric": {"__name__": "x_bucket", "le": le}, "values": [[i * 15, str(v)] for i, v in enumerate(counts)]}
        for le, counts in values.items()
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


def test_every_form_says_the_same(tmp_path: Path) -> None:
    wanted = {"0.1": 50.0, "0.2": 80.0, "1": 100.0, "+Inf": 100.0}
    vector = [{"metric": {"le": le}, "value": [1, str(count)]} for le, count in wanted.items()]
    texts = {
        "scrape.txt": "".join(f'x_bucket{{a="}}",le="{le}"}} {count} 1700000000000\n' for le, count in wanted.items()),
        "query.json": json.dumps({"data": {"resultType": "vector", "result": vector}}),
        "range.json": matrix({le: [7.0, 7.0 + count] for le, count in wanted.items()}),
        "two.txt": "".join(
            f'x_bucket{{pod="{p}",le="{le}"}} {count / 2}\n' for p in "ab" for le, count in wanted.items()
        ),
        "h.csv": "le,count\n" + "".join(f"{le},{count}\n" for le, count in wanted.items()),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        found = histogram.read(tmp_path / name)
        assert found.bounds_s.tolist() == [0.1, 0.2, 1.0, np.inf], name
        assert found.counts.tolist() == [50.0, 80.0, 100.0, 100.0], name
    assert any("added up" in line for line in histogram.read(tmp_path / "two.txt").said)
    ms = histogram.read(tmp_path / "h.csv", unit_s=1e-3)
    assert ms.bounds_s[0] == pytest.approx(1e-4)


def test_what_lies_beyond_the_last_bound_is_told(tmp_path: Path) -> None:
    file = tmp_path / "h.csv"
    file.write_text("le,count\n0.1,50\n0.2,80\n1,90\n+Inf,100\n")
    result = call("service-times", file)
    assert "10 % of them are longer than the last bound, 1 s: how long is not known" in result.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("le,count\n0.1,5\n0.2,4\n+Inf,9\n", 'le="0.2" has fewer than the bucket before; want cumulative counts'),
        ("le,count\n0.1,5\n0.2,8\n1,9\n", 'has no bucket le="+Inf"'),
        ("le,count\n0.1,5\n+Inf,9\n", "want some, in at least 3 buckets"),
        ("le,count\n0.1,x\n0.2,8\n+Inf,9\n", 'le="0.1" has nan'),
        ("le,count\n0.1,0\n0.2,9\n+Inf,9\n", "all times lie in one bucket"),
        ("time,value\n1,2\n", "has no columns le and count"),
        ('a_bucket{le="1"} 1\nb_bucket{le="1"} 2\n', "has 2 histograms; want --field to be one of a, b"),
        ("nothing {", "has 0 histograms; want a histogram of Prometheus"),
        ('{"data": {"resultType": "scalar", "result": []}}', "is no vector or matrix"),
        (matrix({"0.1": [9.0, 3.0], "+Inf": [9.0, 9.0]}), "a bucket's count falls (a restart)"),
        (('x_bucket{p="a",le="1"} 1\nx_bucket{p="b",le="2"} 2\nx_bucket{p="a",le="+Inf"} 2\n'
         'x_bucket{p="b",le="+Inf"} 2\n'),
         "not all of its histograms have the same bounds"),
    ],
)  # fmt: skip
def test_what_is_no_histogram_is_told(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "h.txt"
    file.write_text(text)
    result = call("service-times", file)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
