"""What pyproject.toml cannot say: a wheel carries folders of the checkout as packages of `app`.

`assets` lies then beside the code that reads it (`app/core/assets.py` finds it in both places), and
so does what builds the runtime for phones, with the versions that it is built of.
"""

from setuptools import find_namespace_packages, find_packages, setup

FOLDERS = {"app.assets": "assets", "app.runtime_builder": "packaging/worker_runtime"}

carried = [
    package
    for name, folder in FOLDERS.items()
    for package in (
        name,
        *(f"{name}.{each}" for each in find_namespace_packages(folder, exclude=["*__pycache__*"])),
    )
]
setup(
    packages=[*find_packages(include=["app*", "workers*"]), *carried, "app.runtime_builder.locks"],
    package_dir={**FOLDERS, "app.runtime_builder.locks": "packaging/locks"},
    package_data={folder: ["*"] for folder in carried}
    | {"app.runtime_builder.locks": ["runtime.txt"]},
)
