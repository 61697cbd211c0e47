"""Which unknown input matters: Sobol indices of a policy's restricted time, over the whole stated ranges."""

import math

from recovery.statistics import clusters, sobol
from recovery.store import sweep_record as record
from recovery.study.sweep.draws import SENSITIVITY_REPLICATIONS, Job, saltelli
from recovery.study.sweep.estimates import CONFIDENCE, told
from recovery.study.sweep.policies import Policy
from recovery.study.sweep.sweeping import Sweeping


def sensitivities(work: Sweeping) -> tuple[record.Sensitivity, ...]:
    """The indices that the sweep asks for, of policies in their order; their runs are done here."""
    part = work.sweep.sensitivity
    if part is None or not work.sweep.uncertainties:
        return ()
    names = part.policies or (work.baseline.name, work.looks.ranked()[0].name)
    return tuple(_of(work, policy, part.samples) for policy in work.policies if policy.name in names)


def _of(work: Sweeping, policy: Policy, samples: int) -> record.Sensitivity:
    keys = list(work.sweep.uncertainties)
    jobs = [
        Job("sensitivity", policy.number, replication, i, *one)
        for replication, i, one in saltelli(work.sweep, work.seed, samples)
    ]
    found = []
    for job, key in zip(jobs, work.runs.ensure(jobs), strict=True):
        work.jobs.append((job, key))
        found.append(work.runs.known.found[key].value)
    nothing = record.Sensitivity(
        policy=policy.id,
        name=policy.name,
        words="; ".join(policy.words),
        measure=work.sweep.measure,
        runs=len(found),
        replications=SENSITIVITY_REPLICATIONS,
    )
    if failed := sum(math.isnan(value) for value in found):
        return nothing.model_copy(update={"why_not": f"{failed} of its runs failed"})
    values = clusters.restricted(found, work.looks.limit_s)
    blocks = values.reshape(SENSITIVITY_REPLICATIONS, len(keys) + 3, -1).swapaxes(0, 1)
    shares = sobol.variance_shares(blocks[0], blocks[1], blocks[2:-1].swapaxes(0, 1), blocks[-1], keys, CONFIDENCE)
    inputs = tuple(record.Index(key=key, S1=told(shares.S1[key]), ST=told(shares.ST[key])) for key in keys)
    return nothing.model_copy(update={"inputs": inputs, "chance": told(shares.chance), "why_not": shares.reason})
