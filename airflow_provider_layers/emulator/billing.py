"""Credits: what a job costs, and whether there is enough. Running jobs hold their cost in reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.clock import write_moment
from airflow_provider_layers.emulator.errors import Refusal
from airflow_provider_layers.emulator.routing import Answer

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.routing import Call
    from airflow_provider_layers.emulator.state import World

COSTS = {"video_remix": 120, "slideshow_remix": 50, "ugc_remix": 120, "auto": 120, "slideshow_builder": 50}


def cost_of(format_name: str) -> int:
    """Return what one piece in that format costs; both spellings of a format are known."""
    return COSTS[format_name.replace("-", "_")]


def available(world: World) -> int:
    """Return the credits that no running job has reserved."""
    return world.settings.credits - reserved(world)


def reserved(world: World) -> int:
    """Return the credits that running jobs hold."""
    return sum(job.cost for job in world.running_jobs())


def require(world: World, cost: int, budget: int | None = None) -> None:
    """Refuse a job of that *cost* when *budget* or credits are below it."""
    # Assumption: the pages name no answer for too small a budget; it gets that of too few credits.
    if budget is not None and cost > budget:
        details = {"required": cost, "available": budget, "maxCredits": budget}
        raise Refusal(
            402, "BILLING_EXHAUSTED", f"This costs {cost} credits; budget.maxCredits is {budget}.", details
        )
    left = available(world)
    if cost > left:
        details = {"required": cost, "available": left}
        raise Refusal(402, "BILLING_EXHAUSTED", "Insufficient content-generation credits.", details)


def get_credits(call: Call) -> Answer:
    """Answer ``GET /v1/credits``."""
    call.read_query({})
    world = call.world
    balance, held = world.settings.credits, reserved(world)
    used = sum(job.cost for job in world.jobs.values() if job.status == "completed")
    now = world.clock.now()
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    period: dict[str, Any] = {"start": write_moment(start), "end": write_moment(end), "usedCredits": used}
    body = {
        "balance": balance,
        "available": balance - held,
        "reservedCredits": held,
        "includedRemaining": balance,
        "prepaidBalance": 0,
        "includedThisPeriod": balance + used,
        "usedThisPeriod": used,
        "currentPeriod": period,
        "subscriptionTier": "emulator",
        "billingStatus": "active",
        "estimatedCreditsPerFormat": COSTS,
        "ingestCostsBilled": False,
    }
    return Answer(200, body)
