"""What a service counts, in the text format of Prometheus; names of HTTP metrics are OpenTelemetry's."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from tellapart.errors import PictureError
from tellapart.serve import COUNTERS
from tellapart.serve.engine import Batch
from tellapart.serve.hosted import Hosted

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SHARES = tuple(i / 20 for i in range(1, 20))


class Metrics:
    """The counters of a service, or of one process of it."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        of_request, of_model = ("method", "route", "status"), ("model", "version")
        self.requests = Histogram(
            "http_server_request_duration_seconds", "Time from a request's headers to the end of its answer.",
            of_request, registry=own, buckets=SECONDS,
        )  # fmt: skip
        self.active = Gauge(
            "http_server_active_requests", "Requests without an answer yet.", registry=own, multiprocess_mode="livesum"
        )
        self.waiting = Gauge(
            "tellapart_queue_pictures", "Pictures that wait to be predicted.", registry=own, multiprocess_mode="livesum"
        )
        self.refused = Counter("tellapart_refused", "Requests without a prediction.", ("reason",), registry=own)
        self.reading = Histogram(
            "tellapart_read_seconds", "Time to decode and prepare a picture.", registry=own, buckets=SECONDS
        )
        self.predicting = Histogram(
            "tellapart_predict_seconds", "Time to predict a batch of pictures.", registry=own, buckets=SECONDS
        )
        self.together = Histogram(
            "tellapart_batch_pictures", "Pictures predicted together.", registry=own, buckets=(1, 2, 4, 8, 16, 32, 64)
        )
        self.predictions = Counter(
            "tellapart_predictions", "Predictions, by the likeliest class.", (*of_model, "label"), registry=own
        )
        self.unsure = Counter("tellapart_unsure", "Predictions below the threshold.", of_model, registry=own)
        self.outside = Counter(
            "tellapart_out_of_distribution", "Pictures unlike the training data.", of_model, registry=own
        )
        self.unreadable = Counter("tellapart_unreadable", "Pictures that could not be read.", of_model, registry=own)
        self.confidence = Histogram(
            "tellapart_confidence", "Probability of the likeliest class.", of_model, registry=own, buckets=SHARES
        )
        self.ood_scores = Histogram(
            "tellapart_ood_score", "OOD score; for pictures like the training data it is uniform.", of_model,
            registry=own, buckets=SHARES,
        )  # fmt: skip
        self.info = Gauge(
            "tellapart_model_info", "1 for each version of a model that answers.", (*of_model, "sha256"), registry=own,
            multiprocess_mode="livemax",
        )  # fmt: skip
        self.hosted: set[tuple[str, str, str]] = set()

    def add(self, batch: Batch) -> None:
        """Count the predictions of a batch."""
        names = (batch.model.name, batch.model.version)
        self.reading.observe(batch.reading / max(1, len(batch.answers)))
        self.predicting.observe(batch.predicting)
        self.together.observe(len(batch.answers))
        for answer in batch.answers:
            if isinstance(answer, PictureError):
                self.unreadable.labels(*names).inc()
                continue
            self.predictions.labels(*names, answer.label).inc()
            self.confidence.labels(*names).observe(answer.probability)
            if answer.unsure:
                self.unsure.labels(*names).inc()
            if answer.ood_score is not None:
                self.ood_scores.labels(*names).observe(answer.ood_score)
            if answer.out_of_distribution:
                self.outside.labels(*names).inc()

    def name(self, models: Iterable[Hosted]) -> None:
        """Name the versions of models that answer from now on."""
        now = {(model.name, model.version, model.sha256) for model in models}
        for labels in self.hosted | now:
            self.info.labels(*labels).set(labels in now)
        self.hosted |= now

    def text(self) -> bytes:
        """All counters, of all processes, in the text format of Prometheus."""
        if COUNTERS not in os.environ:
            return generate_latest(self.registry)
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all)  # type: ignore[no-untyped-call]
        return generate_latest(of_all)


def forget(folder: Path, process: int) -> None:
    """Remove what belongs to a process that has ended: gauges of what it did at that time."""
    mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
