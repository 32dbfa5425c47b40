"""What pyproject.toml cannot say: a wheel carries the folder `assets` as the package `app.assets`.

They then lie beside the code that reads them; `app/core/assets.py` finds them in both places.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["app*", "workers*"]), "app.assets"],
    package_dir={"app.assets": "assets"},
    package_data={"app.assets": ["**/*"]},
)
