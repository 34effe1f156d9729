# SPDX-License-Identifier: BSD-3-Clause
"""The command line against files that are damaged or made to do harm: an exit code and one line, and nothing else.

What is empty, missing, or of another kind is in test_cli.py, what ends too early in test_streaming.py.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from programs import Hangs, check, run

from fieldgrad import cli

pytest.importorskip("zarr")
pytest.importorskip("netCDF4")

KNOWN = {2, 3, 4, 5}


def flow(n: int = 6) -> xr.Dataset:
    x = np.arange(float(n))
    values = np.random.default_rng(0).standard_normal((n, n))
    coords = {dim: (dim, x, {"units": "m"}) for dim in "yx"}
    return xr.Dataset({name: (("y", "x"), values, {"units": "m s-1"}) for name in "uv"}, coords)


@pytest.fixture(name="try_file")
def _try_file(capsys: Any, tmp_path: Path, monkeypatch: Any) -> Callable[[str], tuple[int, str]]:
    """Give a file to both commands: the exit code and the line of `derive`; beside the input nothing is left."""
    monkeypatch.chdir(tmp_path)

    def try_file(name: str) -> tuple[int, str]:
        capsys.readouterr()
        before = sorted(os.listdir(tmp_path))
        codes = []
        for args in (["info", name], ["derive", name, "-o", "out.nc", "-q", "divergence"]):
            code = cli.main(args)
            _, err = capsys.readouterr()
            assert "Traceback" not in err
            if code:
                assert err.startswith("fieldgrad: error: ")
                assert err.count("\n") == 1, err
                assert code in KNOWN, err
            codes.append(code)
            line = err
        after = sorted(os.listdir(tmp_path))
        assert [one for one in after if one != "out.nc" or codes[-1]] == before
        return codes[-1], line

    return try_file


# ---------------------------------------------------------------------------------------------------------
# Zarr


class Harm:
    """What unpickling makes a folder of."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def edited(path: Path, name: str, mark: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the metadata of a node of a Zarr group."""
    file = path / name / mark
    metadata = json.loads(file.read_text())
    change(metadata)
    file.write_text(json.dumps(metadata))


def stored(tmp_path: Path, version: int) -> Path:
    flow().to_zarr(tmp_path / "in.zarr", zarr_format=version, consolidated=False)  # type: ignore[call-overload]
    return tmp_path / "in.zarr"


def harmful(store: Path, harm: Path) -> None:
    """Every chunk of u is a pickle that does harm."""
    payload = pickle.dumps(np.array([Harm(harm)] * 36, dtype=object))
    for chunk in [path for path in (store / "u").rglob("*") if path.is_file() and path.name not in MARKS]:
        chunk.write_bytes(payload)


MARKS = (".zarray", ".zattrs", "zarr.json")
PICKLED: dict[str, tuple[int, dict[str, Any]]] = {
    "a filter of format 2": (2, {"dtype": "|O", "filters": [{"id": "pickle", "protocol": 5}], "compressor": None}),
    "a compressor of format 2": (2, {"compressor": {"id": "pickle", "protocol": 5}}),
    "behind another filter": (
        2,
        {"filters": [{"id": "delta", "dtype": "<f8", "astype": "<f8"}, {"id": "pickle"}], "compressor": None},
    ),
    "beside a codec for text": (
        2,
        {"dtype": "|O", "filters": [{"id": "vlen-utf8"}], "compressor": {"id": "pickle"}, "fill_value": ""},
    ),
    "objects without a codec": (2, {"dtype": "|O", "filters": None, "compressor": None}),
    "objects in a record": (2, {"dtype": [["a", "|O"], ["b", "<f8", [2]]], "filters": None, "compressor": None}),
    "a codec of format 3": (3, {"codecs": [{"name": "numcodecs.pickle", "configuration": {"protocol": 5}}]}),
    "within shards": (
        3,
        {
            "codecs": [
                {
                    "name": "sharding_indexed",
                    "configuration": {
                        "chunk_shape": [3, 3],
                        "codecs": [{"name": "bytes"}, {"name": "numcodecs.pickle"}],
                        "index_codecs": [{"name": "bytes"}],
                    },
                }
            ]
        },
    ),
    "of a plugin": (3, {"codecs": [{"name": "bytes"}, {"name": "run-anything"}]}),
    "msgpack": (2, {"dtype": "|O", "filters": [{"id": "msgpack2"}], "compressor": None}),
}


@pytest.mark.parametrize("where", PICKLED)
def test_codecs_that_run_what_they_read_are_refused(where: str, try_file: Any, tmp_path: Path) -> None:
    version, change = PICKLED[where]
    store = stored(tmp_path, version)
    edited(store, "u", ".zarray" if version == 2 else "zarr.json", lambda metadata: metadata.update(change))
    harmful(store, tmp_path / "harm")
    code, line = try_file("in.zarr")
    assert code == 3
    assert "array 'u' is stored with the codec" in line
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("version", [2, 3])
def test_codecs_for_numbers_and_text_are_read(version: int, try_file: Any, tmp_path: Path) -> None:
    words = flow().assign(code=("y", np.arange(6, dtype="i2")))
    if version == 2:  # format 3 has no text yet
        words = words.assign(label=("y", list("abcdef")))
    words.to_zarr(tmp_path / "in.zarr", zarr_format=version, consolidated=False)  # type: ignore[call-overload]
    assert try_file("in.zarr") == (0, "")


ABSURD: dict[str, dict[str, Any]] = {
    "chunks of many bytes": {"chunks": [2**40, 2**20]},
    "a shape of many bytes": {"shape": [2**40, 2**20], "chunks": [2**39, 2**20]},
    "chunks of nothing": {"chunks": [0, 0]},
    "negative chunks": {"chunks": [-1, 3]},
    "a negative shape": {"shape": [-6, 6]},
    "chunks of another rank": {"chunks": [3]},
    "chunks that are no numbers": {"chunks": ["3", None]},
    "no dtype": {"dtype": "<q9"},
    "a dtype of text": {"dtype": "<U6"},
    "an unknown format": {"zarr_format": 9},
    "no compressor of that name": {"compressor": {"id": "no-such"}},
    "nested lists": {"filters": [[[[]]]]},
}


@pytest.mark.parametrize("what", ABSURD)
def test_absurd_metadata(what: str, try_file: Any, tmp_path: Path) -> None:
    store = stored(tmp_path, 2)
    edited(store, "u", ".zarray", lambda metadata: metadata.update(ABSURD[what]))
    began = time.monotonic()
    code, _ = try_file("in.zarr")
    # chunks that are larger than the array are legal, and end beyond it
    assert code in ((0, 3) if what == "chunks of many bytes" else KNOWN)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        *(
            pytest.param(content, marks=pytest.mark.slow)
            for content in (b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"zarr_format": 2}', bytes(1000))
        ),
    ],
)
@pytest.mark.parametrize("mark", [".zgroup", "u/.zarray", "x/.zarray", "u/.zattrs", "u/0.0"])
def test_damaged_metadata_and_chunks(mark: str, content: bytes, try_file: Any, tmp_path: Path) -> None:
    (stored(tmp_path, 2) / mark).write_bytes(content)
    code, _ = try_file("in.zarr")
    assert code in KNOWN or mark in (".zgroup", "u/.zattrs")


def test_groups_in_a_circle_and_groups_that_lead_nowhere(try_file: Any, tmp_path: Path) -> None:
    store = stored(tmp_path, 2)
    (store / "again").symlink_to(store, target_is_directory=True)
    (store / "nowhere").symlink_to(tmp_path / "missing")
    assert try_file("in.zarr") == (0, "")
    (store / ".zgroup").unlink()
    assert try_file("in.zarr")[0] == 3


@pytest.mark.parametrize("dim", ["../../evil", "/evil", "..", "a b", "x/y", "ü", "x\ny", ""])
def test_names_of_dimensions_that_look_like_paths(dim: str, try_file: Any, tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    store = stored(tmp_path, 2)
    for name in "uv":
        edited(store, name, ".zattrs", lambda attrs: attrs.update(_ARRAY_DIMENSIONS=["y", dim]))
    outside = {path for path in tmp_path.parent.rglob("*") if tmp_path not in path.parents}
    try_file("in.zarr")
    for out in ("out.zarr", "out.nc3"):
        code = cli.main(
            ["derive", "in.zarr", "-o", out, "-q", "divergence", "--spacing", f"{dim}=1", "--axes", f"x={dim}"]
        )
        assert code in {0} | KNOWN
    assert {path for path in tmp_path.parent.rglob("*") if tmp_path not in path.parents} == outside
    assert {path.name for path in tmp_path.iterdir()} <= {"in.zarr", "inner", "out.zarr", "out.nc", "out.nc3"}


@pytest.mark.parametrize("name", ["a b.nc", "-o.nc", "ü.nc", "a'b\".nc", "a;b.nc", "%s{0}.nc", "x\ny.nc"])
def test_names_of_files(name: str, capsys: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    flow().to_netcdf(tmp_path / name, engine="netcdf4")
    assert cli.main(["derive", "-o", f"out {name}", "-q", "divergence", "--", name]) == 0
    assert sorted(os.listdir(tmp_path)) == sorted([name, f"out {name}"])
    (tmp_path / name).write_bytes(b"no dataset")
    capsys.readouterr()
    assert cli.main(["info", "--", name]) == 3
    assert capsys.readouterr().err.count("\n") == 1


# ---------------------------------------------------------------------------------------------------------
# links of HDF5, which the C library follows, in a process of its own since it may crash

LINKED = """
import sys
import h5py, numpy as np
name, kind = sys.argv[1:]
with h5py.File(name, "r+") as file:
    if kind == "a link to itself":
        file["again"] = h5py.SoftLink("/again")
    elif kind == "a link to nothing":
        file["nothing"] = h5py.SoftLink("/missing")
    elif kind == "a link to no file":
        file["outside"] = h5py.ExternalLink("missing.nc", "/")
    elif kind == "a dimension taken away":
        del file["x"]
    elif kind == "a second name":
        file["again"] = file["u"]
    elif kind == "a group in itself":
        file.create_group("a/b")
        file["a/b/up"] = file["a"]
    elif kind == "the root in itself":
        file["again"] = file["/"]
    elif kind == "a soft link up":
        file.create_group("a")["up"] = h5py.SoftLink("/a")
    elif kind == "a file in itself":
        file["again"] = h5py.ExternalLink("in.nc", "/")
    elif kind == "2^40 ways":
        group = file
        for _ in range(40):
            group["other"] = group.create_group("one")
            group = group["one"]
    elif kind == "2000 levels":
        file.require_group("/".join("g" * 2000))
print("done")
"""

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="files are tried in a limited process on Linux only")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("a link to itself", 3),
        *(pytest.param(kind, 3, marks=pytest.mark.slow) for kind in ("a link to nothing", "a link to no file")),
        pytest.param("a dimension taken away", 3, marks=pytest.mark.slow),
        pytest.param("a second name", 0, marks=pytest.mark.slow),
        pytest.param("a group in itself", 3, marks=ON_LINUX),
        *(
            pytest.param(kind, 3, marks=[ON_LINUX, pytest.mark.slow])
            for kind in ("the root in itself", "a soft link up", "a file in itself", "2^40 ways", "2000 levels")
        ),
    ],
)
def test_links_that_lead_nowhere_or_round(kind: str, code: int, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    folder = tmp_path / "files"
    folder.mkdir()
    flow().to_netcdf(folder / "in.nc", engine="netcdf4")
    check(run(tmp_path, LINKED, str(folder / "in.nc"), kind))
    main = "import sys\nfrom fieldgrad import cli\nsys.exit(cli.main(sys.argv[1:]))"
    for command in (["info", "in.nc"], ["derive", "in.nc", "-o", "out.nc", "-q", "divergence"]):
        ended = run(folder, main, *command, seconds=150)
        assert ended.code == code, ended
        assert "Traceback" not in ended.err
        if code:
            assert ended.err.startswith("fieldgrad: error: in.nc: it cannot be read: ")
            assert ended.err.count("\n") == 1, ended.err
    assert set(os.listdir(folder)) == {"in.nc", "program.py", *(["out.nc"] if code == 0 else [])}


# ---------------------------------------------------------------------------------------------------------
# NetCDF, bit by bit. The C library may crash, so it reads in a process of its own.

MUTATE = """
import io, json, os, sys, time
from contextlib import redirect_stderr, redirect_stdout
import numpy as np
from fieldgrad import cli

name, seed, until = sys.argv[1], int(sys.argv[2]), time.monotonic() + float(sys.argv[3])
whole = open(name, "rb").read()
while time.monotonic() < until:
    rng = np.random.default_rng(seed)
    with open("seed", "w") as file:
        file.write(str(seed))
    content = bytearray(whole)
    kind = seed % 4
    if kind == 0:
        del content[rng.integers(1, len(content)):]
    else:
        for at in rng.integers(0, len(content) if kind == 1 else min(len(content), 2048), rng.integers(1, 9)):
            content[at] = rng.integers(0, 256) if kind < 3 else 255
    with open("mutated.nc", "wb") as file:
        file.write(content)
    derive = ["derive", "mutated.nc", "-o", "out.nc", "-q", "divergence", "--scheduler", "synchronous"]
    for args in (["info", "mutated.nc"], derive):
        err = io.StringIO()
        with redirect_stderr(err), redirect_stdout(io.StringIO()):
            code = cli.main(args)
        lines = err.getvalue()
        errors = [line for line in lines.splitlines() if line.startswith("fieldgrad: error: ")]
        assert "Traceback" not in lines, (seed, lines)
        assert code in (0, 3, 4, 5), (seed, code, lines)
        assert len(errors) == bool(code), (seed, code, lines)
        there = sorted(os.listdir("."))
        if os.path.exists("out.nc"):
            assert code == 0, (seed, there)
            os.unlink("out.nc")
        assert not [one for one in os.listdir(".") if one.startswith(".")], (seed, there)
    seed += 1
"""


def mutate(tmp_path: Path, kind: str, seconds: float) -> tuple[int, int]:
    """Files tried, and crashes and hangs of the C library."""
    flow(8).to_netcdf(tmp_path / "whole.bin", engine="netcdf4", format=kind)  # type: ignore[call-overload]
    until = time.monotonic() + seconds
    seed = failures = 0
    while (left := until - time.monotonic()) > 0:
        code = -1
        with suppress(Hangs):
            ended = run(tmp_path, MUTATE, "whole.bin", str(seed), str(left), seconds=left + 30)
            code = ended.code
            assert code <= 0, ended.err  # a signal ended it, not a failed assertion
        seed = int((tmp_path / "seed").read_text()) + 1
        failures += code != 0
        for path in tmp_path.iterdir():
            if path.is_dir() and path.name.startswith("."):  # what a crash leaves behind
                shutil.rmtree(path)
    return seed, failures


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["NETCDF3_64BIT", "NETCDF4"])
def test_mutated_files(kind: str, tmp_path: Path) -> None:
    tried, failures = mutate(tmp_path, kind, 40)
    print(f"{kind}: {tried} files, {failures} crashes or hangs of the C library")
    assert tried >= 50
    assert failures <= tried // 20
