"""What pyproject.toml cannot say: a wheel carries the folder `assets` as the package `app.assets`.

They then lie beside the code that reads them; `app/core/assets.py` finds them in both places.
"""

from setuptools import find_namespace_packages, find_packages, setup

folders = find_namespace_packages("assets", exclude=["*__pycache__*"])
assets = ["app.assets", *(f"app.assets.{folder}" for folder in folders)]
setup(
    packages=[*find_packages(include=["app*", "workers*"]), *assets],
    package_dir={"app.assets": "assets"},
    package_data={folder: ["*"] for folder in assets},
)
