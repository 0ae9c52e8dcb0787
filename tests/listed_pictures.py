"""Pictures with tables that list them, for tests of tables."""

from tests.pictures import small_png

PNG = small_png()


def pictures(home, *names):
    """Write pictures that differ in their bytes."""
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(PNG + name.encode())


def listed(home, labels, header="file_name,label", name="t.csv"):
    pictures(home, *(f"{i}.jpg" for i in range(len(labels))))
    (home / name).write_text(header + "\n" + "".join(f"{i}.jpg,{label}\n" for i, label in enumerate(labels)))
    return home / name
