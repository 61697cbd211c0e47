"""What every answer says of its table of services: title, grid, nodes and edges."""

from collections.abc import Sequence
from pathlib import Path

from recovery.store.service_record import Edge, Graph, Node
from recovery.study.services.outcome import ServicesOutcome


def graph_of(outs: Sequence[ServicesOutcome]) -> Graph:
    """Title, grid, nodes and edges of the table that these replications of one variant followed."""
    first, table = outs[0], outs[0].table
    return Graph(
        title=table.body.title,
        file=Path(table.file).name,
        clock=table.body.clock,
        variant=first.variant,
        runs=len(outs),
        window_s=first.window_s,
        horizon_s=first.windows * first.window_s,
        assumed_from_s=None if first.ran is None or first.ran >= first.windows else first.ran * first.window_s,
        nodes=tuple(
            Node(
                name=name,
                label=table.label(name),
                layer=table.layer[name],
                stage=service.stage,
                is_given=name in first.given,
                is_simulated=name in first.own and name not in first.given,
            )
            for name, service in table.services.items()
        ),
        edges=tuple(Edge(source=edge.source, target=edge.target, kind=edge.kind) for edge in table.edges),
    )
