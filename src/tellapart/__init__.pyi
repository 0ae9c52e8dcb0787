"""tellapart: from labelled pictures to an image classifier that you can trust, explain and deploy.

Written by `scripts/stubs` from the verbs; do not edit.
"""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Literal

from PIL.Image import Image
from numpy import ndarray
from numpy.typing import ArrayLike

from tellapart.cancel import Cancellation as Cancellation
from tellapart.classifier.classifier import Classifier as Classifier
from tellapart.classifier.classifier import Prediction as Prediction
from tellapart.classifier.classifier import load_classifier as load
from tellapart.data.collection import Collection as Collection
from tellapart.data.source import open_collection as open
from tellapart.errors import CheckpointError as CheckpointError
from tellapart.errors import DataError as DataError
from tellapart.errors import DownloadError as DownloadError
from tellapart.errors import ModelFileError as ModelFileError
from tellapart.errors import OutOfMemoryError as OutOfMemoryError
from tellapart.errors import PictureError as PictureError
from tellapart.errors import RecipeError as RecipeError
from tellapart.errors import Stopped as Stopped
from tellapart.errors import TellapartError as TellapartError
from tellapart.errors import TrainingError as TrainingError
from tellapart.errors import UsageError as UsageError
from tellapart.errors import WeightsError as WeightsError
from tellapart.evaluation.comparison import Comparison as Comparison
from tellapart.evaluation.evaluation import Evaluation as Evaluation
from tellapart.images.preprocessing import Preparation as Preparation
from tellapart.progress import Listener
from tellapart.recipes.augmentation import Augmentation as Augmentation
from tellapart.recipes.recipe import Recipe as Recipe
from tellapart.serve.mounted import serve_app as serve_app
from tellapart.verbs._explanation import Explanations
from tellapart.verbs._explanation import Explanation as Explanation
from tellapart.verbs._predictions import Predictions
from tellapart.verbs.adopt import Adopted
from tellapart.verbs.backbones import BackboneList
from tellapart.verbs.check import Report as Report
from tellapart.verbs.datasets import DatasetList
from tellapart.verbs.doctor import Diagnosis
from tellapart.verbs.formats import FormatList
from tellapart.verbs.recipes import RecipeList
from tellapart.verbs.runs import RunList
from tellapart.verbs.serve import Served
from tellapart.verbs.show import Shown
from tellapart.verbs.summary import Summary
from tellapart.verbs.train import Run as Run

__all__ = [
    "Augmentation",
    "Cancellation",
    "CheckpointError",
    "Classifier",
    "Collection",
    "Comparison",
    "DataError",
    "DownloadError",
    "Evaluation",
    "Explanation",
    "ModelFileError",
    "OutOfMemoryError",
    "PictureError",
    "Prediction",
    "Preparation",
    "Recipe",
    "RecipeError",
    "Report",
    "Run",
    "Stopped",
    "TellapartError",
    "TrainingError",
    "UsageError",
    "WeightsError",
    "__version__",
    "adopt",
    "backbones",
    "check",
    "compare",
    "datasets",
    "doctor",
    "evaluate",
    "explain",
    "formats",
    "load",
    "open",
    "predict",
    "recipes",
    "runs",
    "serve",
    "serve_app",
    "show",
    "summary",
    "train",
]

__version__: str

def adopt(
    model: str | PathLike[str],
    *,
    classes: str | PathLike[str] | Sequence[str],
    preprocessing: Sequence[str] = ...,
    preparation: Sequence[str] = ...,
    output: str | PathLike[str] | None = None,
    data: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike] | None = None,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Adopted:
    """Convert a Keras model that was trained elsewhere to a tellapart model with class names and preprocessing.

    Returns the new model file. Raises ModelFileError for a file that is not a plain Keras model, and UsageError for
    class names or preprocessing that do not fit the network.

    model: A .keras or .h5 file of a whole model, written by Keras 2 or 3.
    classes: Text file with the class names in the order of the outputs, one per line. In Python also a list of
        names.
    preprocessing: How its training prepared pictures, as NAME=VALUE; may be repeated. Names: range (0..255, 0..1,
        -1..1, -0.5..0.5, torch, caffe), fit (stretch, crop, pad), resampling (nearest, bilinear, ...), and size
        (such as 224x224) for a network that accepts any; otherwise size and colour are those of the network's
        input.
    preparation: The same as --preprocessing.
    output: The file to write; default: the model's name with -adopted.keras.
    data: Pictures on which to compare the ONNX copy with Keras; default: random pixels. In Python also a
        Collection, or a tuple of arrays (pictures, labels).
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def backbones(
    name: str | None = None,
    *,
    fetch: str | None = None,
    measure: bool = False,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> BackboneList:
    """List the pretrained backbones with licence, accuracy and speed, and whether their weights are on this machine.

    Returns the list, or one backbone. Uses the network only with `fetch`, and Keras only with `measure`.

    Raises UsageError for a name that does not exist, WeightsError and DownloadError if weights cannot be fetched.

    name: A backbone to describe.
    fetch: Download the weights of this backbone, unless they are on this machine; the only use of the network. An
        interrupted download resumes.
    measure: Measure how many pictures per second each backbone processes here; takes some seconds each.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def check(
    data: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike],
    *,
    classes: str | PathLike[str] | Sequence[str] | None = None,
    label: str | None = None,
    image_column: str | None = None,
    images: str | None = None,
    split_column: str | None = None,
    delimiter: str | None = None,
    group: str | None = None,
    skip_labels: bool = False,
    backbone: str | None = None,
    folds: int = 4,
    seed: int = 0,
    write_manifest: str | PathLike[str] | None = None,
    output: str | PathLike[str] | None = None,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Report:
    """Report what is wrong with a collection - bad files, duplicates, leakage, likely wrong labels - and change
    nothing.

    Check. Raises UsageError for files that cannot be written, and DataError for data that cannot be opened.

    For a backbone it raises UsageError if there is none of this name, and WeightsError if its weights are not at
    hand.

    data: A data set's name, a folder, an archive or a data file. In Python also a Collection, or a tuple of arrays
        (pictures, labels).
    classes: Text file with the class names in label order, one per line. In Python also a list of names.
    label: Where the label comes from: parent or grandparent (folders), a column of the table, or a regular
        expression for the path below DATA, whose first group is the label, such as '(cat|dog)\\.\\d+'.
    image_column: The column of the table with the names of the picture files.
    images: The folder that the file names in the table are relative to.
    split_column: The column of the table with the splits.
    delimiter: The character between the columns of a text table, such as ';' or tab.
    group: Pictures of one group stay in one split: a column of the table; a regular expression for file names, such
        as 'subject(\\d+)'; time (taken within a minute of each other); order (successive pictures that are alike);
        or none. Default: auto, which looks for groups in names, times and order.
    skip_labels: Skip the search for wrong labels, which trains models.
    backbone: Pretrained backbone whose features predict the labels; "none" trains small networks instead; default:
        efficientnet-lite0 for photos, if its weights are at hand. 'tellapart backbones' lists them.
    folds: Models that the search for wrong labels trains; each is evaluated on its own fold.
    seed: Decides the folds and the models' first weights.
    write_manifest: A CSV file to write, without bad pictures and with almost surely wrong labels moved.
    output: The HTML page to write; default: <data>-check.html in tellapart-out/.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def compare(
    models: Sequence[str | PathLike[str] | Classifier | Run],
    *,
    data: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike] | None = None,
    split: Literal["test", "validation", "all"] = "test",
    classes: str | PathLike[str] | Sequence[str] | None = None,
    label: str | None = None,
    image_column: str | None = None,
    images: str | None = None,
    split_column: str | None = None,
    delimiter: str | None = None,
    output: str | PathLike[str] | None = None,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Comparison:
    """Compare models on the same pictures: accuracy with paired intervals, size, training and prediction time.

    Compare on the pictures of the split that no model has seen. Raises ModelFileError, UsageError, DataError.

    models: Two or more .keras files, run folders or run names; the others are compared with the first. Data may
        come last. In Python also Classifiers or Runs.
    data: The pictures; default: the data that the first model was trained on. In Python also a Collection, or a
        tuple of arrays (pictures, labels).
    split: Which split of the data.
    classes: Text file with the class names in label order, one per line. In Python also a list of names.
    label: Where the label comes from: parent or grandparent (folders), a column of the table, or a regular
        expression for the path below DATA, whose first group is the label, such as '(cat|dog)\\.\\d+'.
    image_column: The column of the table with the names of the picture files.
    images: The folder that the file names in the table are relative to.
    split_column: The column of the table with the splits.
    delimiter: The character between the columns of a text table, such as ';' or tab.
    output: The PNG file to draw into; default: comparison.png in tellapart-out/.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def datasets(
    *,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> DatasetList:
    """List the data sets that can be opened by name, and where each is read from.

    Returns a list that prints as a table.

    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def doctor(
    *,
    runs: str | PathLike[str] = "runs",
    backend: bool = False,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Diagnosis:
    """Describe this installation and machine: what a bug report begins with.

    Returns the facts. What cannot be determined is among them, with the reason; nothing is raised.

    runs: Folder of the runs, whose disk is described.
    backend: Also start Keras and its backend, and list the devices that it sees; takes some seconds.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def evaluate(
    model: str | PathLike[str] | Classifier | Run,
    data: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike] | None = None,
    *,
    split: Literal["test", "validation", "train", "all"] = "test",
    views: Literal["none", "mirror", "shift", "mirror-shift"] | None = None,
    classes: str | PathLike[str] | Sequence[str] | None = None,
    label: str | None = None,
    image_column: str | None = None,
    images: str | None = None,
    split_column: str | None = None,
    delimiter: str | None = None,
    max_error_rate: float | str | None = None,
    ood: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike] | None = None,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Evaluation:
    """Measure a model on pictures that it was not trained on: metrics with confidence intervals, next to baselines.

    Evaluate. Raises ModelFileError, UsageError, DataError.

    model: A .keras file, a run folder, a run's name, or "last". In Python also a Classifier or a Run.
    data: The pictures; default: the data that the model was trained on. In Python also a Collection, or a tuple of
        arrays (pictures, labels).
    split: Which split of the data.
    views: Test-time augmentation: the views to average; default: those of the model file.
    classes: Text file with the class names in label order, one per line. In Python also a list of names.
    label: Where the label comes from: parent or grandparent (folders), a column of the table, or a regular
        expression for the path below DATA, whose first group is the label, such as '(cat|dog)\\.\\d+'.
    image_column: The column of the table with the names of the picture files.
    images: The folder that the file names in the table are relative to.
    split_column: The column of the table with the splits.
    delimiter: The character between the columns of a text table, such as ';' or tab.
    max_error_rate: Answer "unsure" for low-confidence pictures so that at most this share of the other answers is
        wrong, e.g. 1%.
    ood: Out-of-distribution data: measure how well its pictures are detected as such. In Python also a Collection,
        or a tuple of arrays (pictures, labels).
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def explain(
    model: str | PathLike[str] | Classifier | Run,
    pictures: str | PathLike[str] | bytes | Image | ndarray | Iterable[str | PathLike[str] | bytes | Image | ndarray],
    *,
    label: str | None = None,
    layers: bool = False,
    kernel: str | None = None,
    data: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike] | None = None,
    output: str | PathLike[str] | None = None,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Explanation | Explanations:
    """Explain predictions: heat maps over the picture, the nearest training pictures, or the layers of the network.

    Returns one Explanation for one picture, Explanations for several pictures and for a folder.

    Raises ModelFileError, UsageError, and for a single picture PictureError.

    model: A .keras file, a run folder, a run's name, or "last". In Python also a Classifier or a Run.
    pictures: Picture files, folders of picture files, patterns such as "*.jpg", or - for standard input. In Python
        also one picture or any iterable of paths, bytes, Pillow images or arrays.
    label: The class to explain; default: the predicted one.
    layers: Draw the filters of the first layer and the feature maps of every layer instead.
    kernel: Convolve the picture with a kernel instead: vertical-edges, horizontal-edges, diagonal-edges, outlines,
        blur, sharpen, or the number, from 0, of a filter of the first layer.
    data: Where the training pictures are; default: where they were in training. In Python also a Collection, or a
        tuple of arrays (pictures, labels).
    output: The PNG file to draw into, or for several pictures a folder; default: explanations/ in the run's folder,
        or tellapart-out/.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def formats(
    *,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> FormatList:
    """List the formats of labelled pictures that can be read.

    Returns a list that prints as a table.

    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def predict(
    model: str | PathLike[str] | Classifier | Run,
    pictures: str | PathLike[str] | bytes | Image | ndarray | Iterable[str | PathLike[str] | bytes | Image | ndarray],
    *,
    top: int | None = None,
    views: Literal["none", "mirror", "shift", "mirror-shift"] | None = None,
    max_error_rate: float | str | None = None,
    csv: str | PathLike[str] | None = None,
    jsonl: bool = False,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Predictions:
    """Predict the class of pictures: files, folders, patterns or standard input; as lines, JSON, JSON Lines or CSV.

    Returns the predictions in the order of the pictures, and the pictures that could not be read.

    Raises ModelFileError, and UsageError for no pictures.

    model: A .keras file, a run folder, a run's name, or "last". In Python also a Classifier or a Run.
    pictures: Picture files, folders of picture files, patterns such as "*.jpg", or - for standard input. In Python
        also one picture or any iterable of paths, bytes, Pillow images or arrays.
    top: Number of most probable classes to show; default: 3 for one picture, 1 for several, all with --json.
    views: Test-time augmentation: views of each picture to average over; default: those of the model.
    max_error_rate: Answer "unsure" for low-confidence pictures so that at most this share of the other answers is
        wrong, such as 1%.
    csv: Write a CSV file with a row per picture and a column per class, instead of lines.
    jsonl: Print a JSON object on one line for each picture as soon as it is predicted.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def recipes(
    name: str | None = None,
    *,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> RecipeList:
    """List the recipes, or show one of them with all its fields.

    Returns a list that prints as a table. Raises RecipeError for an unknown recipe.

    name: A recipe to show with all its fields: a name, my.toml or my.py.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def runs(
    *,
    runs: str | PathLike[str] = "runs",
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> RunList:
    """List the runs in a folder: data, accuracy with its interval, date, and whether each is finished.

    Returns the runs at any depth below the folder. A run whose run.json is damaged is listed as such.

    Raises UsageError for another folder than the default one if it does not exist.

    runs: Folder of the runs.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def serve(
    models: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int | None = None,
    token: str | None = None,
    deadline: float = 10.0,
    queue: int = 64,
    grace: float = 5.0,
    cors: Sequence[str] = ...,
    tls_cert: str | PathLike[str] | None = None,
    tls_key: str | PathLike[str] | None = None,
    access_log: bool = False,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Served:
    """Serve models over HTTP: a service that answers with predictions, from one command and the model files.

    Serves until SIGTERM or Ctrl-C; then returns where it was.

    Raises UsageError for an address that cannot be used, or without the extra `serve`; ModelFileError for a file
    that
    is not a model.

    models: Model files, run folders, names of runs, or "last"; NAME=FILE gives a model another name.
    host: Address to listen at; 0.0.0.0 is all of this machine's.
    port: Port to listen at; 0 takes a free one.
    workers: Processes that answer; default: one per processor, at most 8.
    token: Token that requests must have, as in Authorization: Bearer TOKEN; probes need none. Default: the
        environment variable TELLAPART_TOKEN, if it is set.
    deadline: Seconds until a request must have its answer; later it gets status 504.
    queue: Pictures per process that may wait; others get status 503.
    grace: Seconds after SIGTERM in which requests are still accepted, so that load balancers can notice.
    cors: Origin of pages that may ask from a browser; may be repeated.
    tls_cert: PEM file with the certificate, for HTTPS.
    tls_key: PEM file with the certificate's private key.
    access_log: Write a line of JSON for each request to standard error.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def show(
    data: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike],
    *,
    classes: str | PathLike[str] | Sequence[str] | None = None,
    label: str | None = None,
    image_column: str | None = None,
    images: str | None = None,
    split_column: str | None = None,
    delimiter: str | None = None,
    pictures: int | None = None,
    augment: str | Path | Recipe | None = None,
    set: Mapping[str, object] | Sequence[str] = ...,
    output: str | PathLike[str] | None = None,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Shown:
    """Show a collection: splits, picture shapes, class counts, and a drawing of the first pictures with their classes.

    Returns what it prints. The drawing is written under a free name to tellapart-out/ unless --output is given.

    If the current folder is inside the data, it is written next to the data. Raises UsageError and DataError for
    data
    that cannot be opened.

    data: A data set's name, a folder, archive or data file. In Python also a Collection, or a tuple of arrays
        (pictures, labels).
    classes: Text file with the class names in label order, one per line. In Python also a list of names.
    label: Where the label comes from: parent or grandparent (folders), a column of the table, or a regular
        expression for the path below DATA, whose first group is the label, such as '(cat|dog)\\.\\d+'.
    image_column: The column of the table with the names of the picture files.
    images: The folder that the file names in the table are relative to.
    split_column: The column of the table with the splits.
    delimiter: The character between the columns of a text table, such as ';' or tab.
    pictures: Number of pictures to draw; default: 25, or 5 with --augment; 0 draws none.
    augment: A recipe, or auto: draw some pictures as its training augments them, for several epochs. In Python also
        a Recipe.
    set: With --augment: change a field of the recipe, such as augmentation.crop=0.5; may be repeated. In Python
        also a mapping of field names to values.
    output: The PNG file to write; default: <data>-pictures.png in tellapart-out/.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def summary(
    model: str | PathLike[str] | Classifier | Run,
    *,
    data: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike] | None = None,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Summary:
    """List the layers of a model's or recipe's network, with output shapes and parameter counts.

    Returns the layers. Raises ModelFileError for a damaged model file, RecipeError for a faulty recipe.

    model: A .keras file, a run folder, a run's name, "last", or a recipe (a name, my.toml or my.py). In Python also
        a Classifier or a Run.
    data: For a recipe: data that decides picture size and number of classes; default: those of the recipe, or 28 x
        28 grey and 10 classes. In Python also a Collection, or a tuple of arrays (pictures, labels).
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """

def train(
    data: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike] | None = None,
    *,
    recipe: str | Path | Recipe = "auto",
    backbone: str | None = None,
    weights: str | PathLike[str] | None = None,
    set: Mapping[str, object] | Sequence[str] = ...,
    config: str | PathLike[str] | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    patience: int | None = None,
    batch: int | None = None,
    size: int | str | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    validation: float | None = None,
    test: float = 0.2,
    group: str | None = None,
    folds: int | None = None,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    device: Literal["auto", "cpu", "gpu"] = "auto",
    max_error_rate: float | str | None = None,
    classes: str | PathLike[str] | Sequence[str] | None = None,
    label: str | None = None,
    image_column: str | None = None,
    images: str | None = None,
    split_column: str | None = None,
    delimiter: str | None = None,
    runs: str | PathLike[str] = "runs",
    name: str | None = None,
    tensorboard: bool = False,
    resume: str | PathLike[str] | None = None,
    save_every: float = 10.0,
    deterministic: bool = False,
    on_event: Listener | None = None,
    cancellation: Cancellation | None = None,
) -> Run:
    """Train a classifier on labelled pictures: split, train, select on validation, evaluate once, save one model file.

    Train. Returns the Run; raises a TellapartError, and leaves no run folder, if the input is wrong.

    `cancellation` stops it from another thread: like Ctrl-C, it raises Stopped, and the run can be resumed.

    data: What to train on: a data set's name, a folder, an archive or a data file. In Python also a Collection, or
        a tuple of arrays (pictures, labels).
    recipe: A library recipe's name, my.toml or my.py; "auto" chooses one from the pictures. In Python also a
        Recipe.
    backbone: Pretrained backbone to start from; "none" trains from scratch; default: chosen from the pictures and
        the weights at hand. 'tellapart backbones' lists them.
    weights: File with the weights of the backbone, instead of those that are found on this machine.
    set: Change a field of the recipe, such as optimizer=sgd; may be repeated. In Python also a mapping of field
        names to values.
    config: A run.json or a run folder: repeat its options, except those that are given.
    epochs: Passes over the training pictures; default: the recipe's.
    minutes: Time for the whole run, from reading to saving, instead of epochs; at least 1/6 (10 seconds).
    patience: Stop after this many epochs without a better validation accuracy; default: never.
    batch: Pictures per training step; default: the recipe's.
    size: Size of the pictures that the network sees, in pixels: 128, or 96x128 for height x width; default: chosen
        from the pictures.
    learning_rate: Highest learning rate of the schedule; default: the recipe's.
    seed: Decides the split, the first weights, the order and augmentation.
    validation: Share of the training pictures for validation, if the data has no such split; default: 0.1, or 0 for
        few pictures with the recipe features, which is cross-validated instead.
    test: Share of the pictures for the test split, if the data has no such split.
    group: Pictures of one group stay in one split: a column of the table; a regular expression for file names, such
        as 'subject(\\d+)'; time (taken within a minute of each other); order (successive pictures that are alike);
        or none. Default: auto, which looks for groups in names, times and order.
    folds: K-fold cross-validation: train K models, each evaluated on its held-out fold, then a final model on all
        pictures.
    precision: Precision of training; "auto" measures once whether bfloat16 is faster on this machine.
    device: Where to train; "auto" takes a GPU if the backend sees one.
    max_error_rate: Answer "unsure" for low-confidence pictures so that at most this share of the other answers is
        wrong, e.g. 1%.
    classes: Text file with the class names in label order, one per line. In Python also a list of names.
    label: Where the label comes from: parent or grandparent (folders), a column of the table, or a regular
        expression for the path below DATA, whose first group is the label, such as '(cat|dog)\\.\\d+'.
    image_column: The column of the table with the names of the picture files.
    images: The folder that the file names in the table are relative to.
    split_column: The column of the table with the splits.
    delimiter: The character between the columns of a text table, such as ';' or tab.
    runs: Folder for the run's folder.
    name: Name of the run's folder; default: <data>-<recipe>-<number>.
    tensorboard: Also write event files for TensorBoard, into the run's folder tensorboard/.
    resume: Resume an interrupted run: its folder or name, "last" for the latest unfinished run, or "auto" for the
        latest one with the same options (else a new run).
    save_every: Seconds between checkpoints, at least; 0: as often as possible.
    deterministic: Bit-for-bit reproducible on the same kind of machine; may be slower. Uses float32 unless another
        precision is named.
    on_event: Called with each note and progress event (tellapart.progress); default: print lines.
    cancellation: A Cancellation, by which another thread can stop the work.
    """
