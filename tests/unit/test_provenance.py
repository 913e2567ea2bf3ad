from scbench import provenance


def digest(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "SCRIPTS", tmp_path)
    provenance._imports.cache_clear()
    return provenance.code_digest("job.py", "scbench.methods.mine")


def make_tree(tmp_path):
    for name, text in {
        "job.py": "from scbench import runner\n",
        "scbench/__init__.py": "",
        "scbench/runner.py": "def run():\n    from scbench.deep.layer import f\n",
        "scbench/deep/__init__.py": "",
        "scbench/deep/layer.py": "f = 1\n",
        "scbench/methods/__init__.py": "",
        "scbench/methods/mine.py": "x = 1\n",
        "scbench/methods/other.py": "x = 1\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)


def test_the_digest_follows_every_module_that_is_imported_and_no_other(tmp_path, monkeypatch):
    make_tree(tmp_path)
    before = digest(tmp_path, monkeypatch)
    for name in ("scbench/deep/layer.py", "scbench/methods/mine.py", "job.py"):
        original = (tmp_path / name).read_text()
        (tmp_path / name).write_text(original + "# a comment\n")
        assert digest(tmp_path, monkeypatch) != before, name
        (tmp_path / name).write_text(original)
    (tmp_path / "scbench/methods/other.py").write_text("x = 2\n")
    assert digest(tmp_path, monkeypatch) == before


def test_versions_name_what_is_installed_only():
    assert set(provenance.package_versions("numpy", "no-such-package")) == {"numpy"}


def test_a_checkpoint_is_named_after_all_that_its_run_depends_on(tmp_path):
    data = tmp_path / "dataset.h5ad"
    data.write_bytes(b"cells")
    name = provenance.checkpoint_name(data, "code", {"beta": 1.0}, 0)
    assert name == provenance.checkpoint_name(data, "code", {"beta": 1.0}, 0)
    others = {provenance.checkpoint_name(data, *rest) for rest in [("new", {"beta": 1.0}, 0), ("code", {}, 0)]}
    others.add(provenance.checkpoint_name(data, "code", {"beta": 1.0}, 1))
    data.write_bytes(b"other cells")
    others.add(provenance.checkpoint_name(data, "code", {"beta": 1.0}, 0))
    assert len(others | {name}) == 5
