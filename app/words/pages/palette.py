"""What the command palette calls things that there are only now."""

from __future__ import annotations

from app.words.catalogue import tr


def use_model(model: str) -> str:
    """Return the action that puts a model on the rack."""
    return tr("Use model {model}").format(model=model)


def plan_for(objective: str) -> str:
    """Return the action that plans for an objective."""
    return tr("Plan for {objective}").format(objective=objective)


def of_phone(phone: str, action: str) -> str:
    """Return an action of one phone."""
    return tr("{phone}: {action}").format(phone=phone, action=action)


def inject_on(phone: str, fault: str) -> str:
    """Return the action that injects a fault on a phone."""
    return tr("{phone}: inject {fault}").format(phone=phone, fault=fault)
