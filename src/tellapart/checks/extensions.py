"""Files whose extension does not match their format."""

from pathlib import PurePosixPath

from tellapart.data.finding import Checked, Finding
from tellapart.images.summary import EXTENSIONS

POSITION, TITLE = 140, "Wrong file extensions"


def find(checked: Checked) -> list[Finding]:
    """See the contract. These files are read anyway: the content decides the format."""
    findings = []
    for i in checked.inspection.readable.tolist():
        key, format = checked.collection.keys[i], checked.inspection.summary(i).format
        suffix = PurePosixPath(key).suffix.lower()
        if format in EXTENSIONS and suffix and suffix not in EXTENSIONS[format]:
            findings.append(checked.finding(i, f"the format is {format}"))
    return findings
