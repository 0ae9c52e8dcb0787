"""Progress in a notebook: the view on its own, and a training in a real kernel."""

import pytest

from tellapart.notebook import NotebookView, Page, show_in_notebook
from tellapart.progress import COMPILE, Epoch, Note, Progress


def row(number, accuracy):
    return {"epoch": number, "loss": 0.5, "accuracy": 0.5, "val_loss": 0.4, "val_accuracy": accuracy, "seconds": 2.0}


def test_one_output_is_replaced_by_each_update():
    shown = []
    view = NotebookView(shown.append)
    view(Note("data: <b>digits</b>"))
    view(Note("note: 3 pictures are odd", warning=True))
    view(Progress(COMPILE, 0, 1, "step"))
    assert "compiling the training step" in view.html()
    view(Progress(COMPILE, 1, 1, "step"))
    for number in range(1, 9):
        view(Progress("train", number * 10, 80))
        view(Epoch(number, 8, row(number, 0.5 + number / 20), best=number))
    html = shown[-1]
    assert "<summary>decisions</summary><div>data: &lt;b&gt;digits&lt;/b&gt;</div>" in html
    assert html.index("note: 3 pictures are odd") < html.index("<details>")
    assert "3/8" not in html, "only the last epochs"
    assert "8/8 best" in html
    assert "polyline" in html
    assert "validation accuracy 0.5500 to 0.9000" in html


def test_another_training_starts_another_table():
    view = NotebookView(lambda html: None)
    view(Epoch(1, 2, row(1, 0.5), best=1))
    view(Epoch(2, 2, row(2, 0.6), best=2))
    view(Epoch(1, 2, row(1, 0.7), best=1))
    assert [epoch.metrics["val_accuracy"] for epoch in view.epochs] == [0.7]


def test_outside_of_a_notebook_nothing_is_shown():
    assert show_in_notebook() is None


def test_a_page_is_framed_with_its_markup_escaped(tmp_path):
    (tmp_path / "report.html").write_text('<p title="x">é</p>', encoding="utf-8")
    html = Page(tmp_path / "report.html", 300)._repr_html_()
    assert 'srcdoc="&lt;p title=&quot;x&quot;&gt;é&lt;/p&gt;"' in html
    assert "height:300px" in html


CELLS = (
    "import tellapart\nrun = tellapart.train('digits', epochs=2, runs={runs!r})\nrun",
    "run.confusion_matrix()",
    "run.report(height=400)",
    "print(len(run.mistakes(3)))",
)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    import nbformat
    from nbclient import NotebookClient

    runs = tmp_path_factory.mktemp("runs")
    sources = [cell.format(runs=str(runs)) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_training_has_one_output_that_was_updated_and_a_short_result(cells):
    outputs = [output for output in cells[0] if output.output_type != "stream" or output.text.strip()]
    kinds = [output.output_type for output in outputs]
    assert kinds == ["display_data", "execute_result"], outputs
    progress, result = (output.data["text/html"] for output in outputs)
    assert "2/2" in progress
    assert "<summary>decisions</summary>" in progress
    assert "right on 360 pictures it has never seen" in result


def test_drawings_and_the_report_are_shown(cells):
    assert "<svg" in cells[1][0].data["text/html"]
    assert "<iframe srcdoc=" in cells[2][0].data["text/html"]
    assert cells[3][0].text.strip().isdecimal()
