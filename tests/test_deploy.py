"""Files that start us elsewhere: well-formed, and their commands are commands of ours."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import jsonschema
import pytest
import ray
import yaml

from tuneoff.commands.arguments import read_command_line
from tuneoff.commands.at_once import cells_of
from tuneoff.commands.composition import composed, to_config

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.iterdir() if not path.name.startswith("Dockerfile"))
COMMAND = re.compile(r"tuneoff run ([^'\n&`|]+)")


def commands() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in (*FILES, ROOT / "docs" / "scaling.md")]
    found = [found for text in texts for found in COMMAND.findall(text) if "$" not in found and "..." not in found]
    assert len(found) >= 3
    return found


@pytest.mark.parametrize("command", commands())
def test_each_command_is_a_search_of_ours(command: str) -> None:
    given = read_command_line(shlex.split(command))
    for _, arguments in cells_of(given):
        config = to_config(composed(arguments))
        assert config.resources.address == "auto"
        assert config.price.name != "cpu"


def test_the_cluster_on_aws_follows_rays_schema() -> None:
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    config = yaml.safe_load((DEPLOY / "ray-aws.yaml").read_text())
    jsonschema.validate(config, schema)
    head, spot = (config["available_node_types"][name] for name in ("head", "spot"))
    assert config["head_node_type"] == "head"
    assert head["resources"] == {"CPU": 0, "GPU": 0}, "no trial dies with the records' machine"
    assert spot["min_workers"] == spot["max_workers"] == config["max_workers"], "the cluster is taken as it is"


def test_the_job_on_kubernetes_has_one_image_and_its_results_on_a_volume() -> None:
    job = yaml.safe_load((DEPLOY / "rayjob.yaml").read_text())
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    containers = [container for group in groups for container in group["template"]["spec"]["containers"]]
    assert len({container["image"] for container in containers}) == 1
    assert all(container["resources"]["requests"] == container["resources"]["limits"] for container in containers)
    mounted = {mount["mountPath"] for mount in containers[0]["volumeMounts"]}
    assert f"results={mounted.pop()}" in job["spec"]["entrypoint"]


def test_scripts_are_read_by_bash() -> None:
    script = (DEPLOY / "slurm.sbatch").read_text()
    sky = yaml.safe_load((DEPLOY / "skypilot.yaml").read_text())
    for text in (script, sky["run"], sky["setup"]):
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_the_image_is_built_from_files_that_are_there() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    let_through = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(copied) == sorted(let_through)
    assert all((ROOT / name).exists() for name in copied)
