"""Exit 0 if this environment has lossctl from this folder and all that pyproject.toml asks for."""

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def satisfied() -> bool:
    """Whether nothing needs to be installed."""
    try:
        from packaging.requirements import Requirement

        project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
        asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
        needed = [Requirement(text) for text in asked]
        installed = all(
            one.specifier.contains(version(one.name), prereleases=True) for one in needed
        )
        found = find_spec(project["name"])  # .ci is on the path, the folder above is not
        same = version(project["name"]) == project["version"]
        script = (Path(sys.executable).parent / project["name"]).exists()
    except (ImportError, PackageNotFoundError):
        return False
    home = None if found is None or found.origin is None else Path(found.origin).resolve()
    return installed and same and script and home is not None and HERE in home.parents


sys.exit(not satisfied())
