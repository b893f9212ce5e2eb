"""A root that stands in for the image python:X.Y.Z-slim-trixie."""

import os
import re
import shutil
from pathlib import Path
from typing import Final

from paths import REPOSITORY, ROOTS
from roots import call

CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
# debootstrap knows one by itself.
_MIRROR: Final = [given] if (given := os.environ.get("DEBIAN_MIRROR")) else []
# What that image holds beside a minimal Debian.
_PACKAGES: Final = (
    "ca-certificates,netbase,tzdata,libbz2-1.0,libcrypt1,libffi8,liblzma5,libncursesw6,"
    "libreadline8t64,libsqlite3-0,libssl3t64,libuuid1,zlib1g"
)
# And what it leaves out of Python. Of packages it has pip alone.
_LEFT_OUT: Final = ("site-packages", "test", "tests", "idlelib", "__pycache__", "*.a")


def base_root(image: str, prefix: Path | None) -> Path:
    """Returns the root, which is made where it is missing.

    Args:
        image: As the Dockerfile's FROM names it.
        prefix: Of a Python of the same minor version, or None to look for one.

    Raises:
        SystemExit: It is another image, or there is no such Python.
    """
    wanted = re.fullmatch(r"python:(\d+\.\d+)\.\d+-slim-trixie", image)
    if not wanted:
        raise SystemExit(f"FROM {image}: only python:X.Y.Z-slim-trixie can be stood in for.")
    base = ROOTS / f"base-{wanted[1]}"
    if not (base / ".complete").exists():
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir(parents=True)
        packages = f"--include={_PACKAGES}"
        call("debootstrap", "--variant=minbase", packages, "trixie", str(base), *_MIRROR)
        call("chroot", str(base), "apt-get", "clean")
        _add_python(base, wanted[1], prefix or _find_python(wanted[1]))
        (base / ".complete").touch()
    _let_into_the_network(base)
    return base


def _find_python(version: str) -> Path:
    uv = shutil.which("uv") or str(REPOSITORY / ".venv/bin/uv")
    found = call(uv, "python", "find", "--system", "--no-python-downloads", version)
    return Path(found.strip()).resolve().parents[1]


def _add_python(base: Path, version: str, prefix: Path) -> None:
    local = base / "usr/local"
    skip = shutil.ignore_patterns(*_LEFT_OUT)
    for part in (f"include/python{version}", f"lib/python{version}"):
        shutil.copytree(prefix / part, local / part, symlinks=True, ignore=skip)
    (local / f"lib/python{version}/site-packages").mkdir()
    for library in prefix.glob("lib/libpython*.so*"):
        shutil.copy2(library, local / "lib", follow_symlinks=False)
    shutil.copy2(prefix / f"bin/python{version}", local / "bin")
    for name in ("python3", "python"):
        (local / "bin" / name).symlink_to(f"python{version}")
    pip = "ldconfig && python -m ensurepip && ln -s pip3 /usr/local/bin/pip"
    call("chroot", str(base), "sh", "-c", pip)


def _let_into_the_network(base: Path) -> None:
    for name in ("resolv.conf", "hosts"):
        shutil.copy2(f"/etc/{name}", base / "etc" / name)
    # Whoever's network answers with certificates of its own has them in the system's bundle.
    shutil.copy2(os.environ.get("SSL_CERT_FILE", CERTIFICATES), f"{base}{CERTIFICATES}")
