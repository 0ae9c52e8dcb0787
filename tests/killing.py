"""Let a training die right after a checkpoint, as a killed process does, but inside this one."""

from tellapart.training.checkpoints import Checkpoints


class KilledError(BaseException):
    """Stands for a process that is gone."""


def killed_after(monkeypatch, writes):
    """Let the process die right after so many checkpoints."""
    real, count = Checkpoints.write, [0]

    def write(self, checkpoint):
        path = real(self, checkpoint)
        count[0] += 1
        if count[0] == writes:
            raise KilledError
        return path

    monkeypatch.setattr(Checkpoints, "write", write)
