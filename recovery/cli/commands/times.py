"""Service times from what a monitor measured."""

from pathlib import Path

import click

from recovery.cli import options, say


@click.command("service-times")
@click.argument("histogram", type=click.Path(path_type=Path))
@click.option("--field", default="", help="Name of the histogram, if the file has several.")
@click.option(
    "--unit",
    type=click.Choice(["s", "ms", "us"]),
    default="s",
    show_default=True,
    help="Unit of the bucket bounds (`le`).",
)
@options.out_file
@options.json
def service_times(histogram: Path, field: str, unit: str, out: Path | None, as_json: bool) -> None:
    """Turn a Prometheus histogram (buckets with `le`) into service times for host.establish_time or host.renew_time.

    HISTOGRAM is a scrape of /metrics, the JSON answer of a query, or CSV with the columns le and count.

    Fits an exponential and a lognormal distribution, and says how far each is from what was measured. With --out it
    also writes 1,000 quantiles of the measured times, for dist = "empirical".
    """
    from recovery.reading import histogram as reading
    from recovery.show import fit_text
    from recovery.store import files
    from recovery.study.fit import service_times as fits

    found = reading.read(histogram, field, {"s": 1.0, "ms": 1e-3, "us": 1e-6}[unit])
    told = fits.service_times(found)
    if out is not None:
        files.write_text(out, "".join(f"{1e3 * time:.6g}ms\n" for time in fits.quantiles(found)))
    if as_json:
        say.print_json({**told.model_dump(mode="json"), "file": str(out) if out else None})
    else:
        click.echo(fit_text.service_times(told, out.name if out else ""))
