"""What was asked for and what was promised, as the outside knows it."""

from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Written by several threads, each with single operations on sets and dictionaries."""

    accepted: dict[str, str] = field(default_factory=dict)
    """Cases whose creation was answered, each with its queue."""
    deleted: set[str] = field(default_factory=set)
    """Cases that somebody has asked to delete."""
    deleted_queues: set[str] = field(default_factory=set)
    """Queues that somebody has asked to delete, with all their cases."""
    asked: dict[str, int] = field(default_factory=dict)
    """Idempotency keys that were sent, each with the number of cases asked for."""
    answered: dict[str, list[str]] = field(default_factory=dict)
    """The cases that each key's answer names."""
    at: dict[str, float] = field(default_factory=dict)
    """When the request that was answered began, by its key."""
    mistakes: list[str] = field(default_factory=list)
    """Answers and errors that say that casework made a mistake."""
    repeats: int = 0
    """Requests that were sent again because the answer before did not come."""
    replayed: int = 0
    """Creations whose answer was lost after they were done: asked again, they were answered and not done again."""

    def accept(self, queue: str, ids: list[str]) -> None:
        """Note cases whose creation was answered."""
        self.accepted |= dict.fromkeys(ids, queue)

    @property
    def there(self) -> list[str]:
        """Cases that nobody has asked to delete, alone or with their queue, in the order of their making: these must end."""
        accepted = list(self.accepted.items())
        return sorted(id for id, queue in accepted if id not in self.deleted and queue not in self.deleted_queues)

    @property
    def unanswered(self) -> dict[str, int]:
        """The keys that were given up, and their cases."""
        return {key: count for key, count in list(self.asked.items()) if key not in self.answered}

    def made_since(self, moment: float) -> list[str]:
        """Cases whose request was sent after that moment, and answered."""
        return [id for key, at in list(self.at.items()) if at > moment for id in self.answered[key]]
