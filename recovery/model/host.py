"""The table [host]: one host, its workers, its costs, its clients' patience."""

from pydantic import Field

from recovery.model.distributions import Time
from recovery.model.part import Flag, Part, Whole
from recovery.model.slowdown import Slowdown
from recovery.units import Duration, PositiveDuration


class Host(Part):
    """One host: its workers, its costs, its clients' patience."""

    workers: Whole = Field(1, ge=1, le=10**6, description="requests that a host works on at one time")
    establish_time: Time = Field(description="time to make a lease (or to serve a job)")
    renew_time: Time | None = Field(
        None, description="time to renew a lease that still runs; as establish_time if absent"
    )
    timeout: Time = Field(description="after this a client gives its attempt up; drawn for each attempt")
    cancel_on_timeout: Flag = Field(
        False, description="a request that timed out leaves the queue or its worker at once"
    )
    fail_after: Duration = Field(0.0, description="time that a request takes to fail while the dependency is down")
    reject_cost: Duration = Field(0.0, description="work of saying no, charged to the next service")
    drop_cost: Duration = Field(0.0, description="work of dropping a request, charged likewise")
    drop_notifies: Flag = Field(True, description="whether a client whose request is dropped learns it at once")
    round_trip: PositiveDuration = Field(
        0.001, description="after a refusal or failure the next attempt comes no sooner than this"
    )
    slowdown: Slowdown | None = Field(None, description="service slows down with the queue")

    @property
    def cancel_words(self) -> str:
        """What becomes of a request whose client gave up, in plain words."""
        return f"requests that time out {'leave' if self.cancel_on_timeout else 'stay in'} the queue"
