"""Writes a layer's tar, or an image's OCI layout of such layers, as nix2container and its skopeo would."""
import hashlib, io, json, os, re, tarfile

wanted = json.load(open(os.environ["NIX_ATTRS_JSON_FILE"]))
out = wanted["outputs"]["out"]


def layer():
    below = set()
    for folder in wanted["below"]:
        below |= set(json.load(open(folder + "/paths.json")))
    paths = sorted({p["path"] for p in wanted["closure"]} - below)
    entries = {}
    for path in paths:
        # A path that is copied to the root loses its prefix; every other one stays where it is.
        inside = "" if path in wanted["roots"] else path
        if inside:
            entries.update({"/nix": None, "/nix/store": None})
        for folder, folders, files in os.walk(path):
            names = [folder] + [f"{folder}/{n}" for n in files + [d for d in folders if os.path.islink(f"{folder}/{d}")]]
            entries.update({inside + name[len(path):]: name for name in names})
        if not os.path.isdir(path):
            entries[inside] = path
    entries.pop("", None)
    os.mkdir(out)
    with tarfile.open(out + "/layer.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(entries):
            add(tar, name, entries[name])
    json.dump(paths, open(out + "/paths.json", "w"))


def add(tar, name, source):
    entry = tar.gettarinfo(source, name) if source else tarfile.TarInfo(name)
    if not source:
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    entry.name, entry.mtime = name, 1
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    if entry.issym():
        entry.mode = 0o777
    for perm in wanted["perms"]:
        if source and source.startswith(perm["path"]) and re.search(perm["regex"], source):
            entry.mode, entry.uid, entry.gid = int(perm["mode"], 8), perm["uid"], perm["gid"]
            entry.uname, entry.gname = perm["uname"] or "root", perm["gname"] or "root"
    tar.addfile(entry, open(source, "rb") if entry.isreg() else None)


def blob(data):
    digest = hashlib.sha256(data).hexdigest()
    with open(f"{out}/blobs/sha256/{digest}", "wb") as file:
        file.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def image():
    os.makedirs(out + "/blobs/sha256")
    tars = [open(folder + "/layer.tar", "rb").read() for folder in wanted["layers"]]
    layers = [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **blob(tar)} for tar in tars]
    config = {
        "created": wanted["created"], "architecture": wanted["arch"], "os": "linux", "config": wanted["config"],
        "rootfs": {"type": "layers", "diff_ids": [l["digest"] for l in layers]},
        "history": [{"created_by": "nix2container"} for _ in layers],
    }
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(json.dumps(config).encode())}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": described, "layers": layers}
    entry = {"mediaType": manifest["mediaType"], **blob(json.dumps(manifest).encode())}
    json.dump({"schemaVersion": 2, "manifests": [entry]}, open(out + "/index.json", "w"))
    json.dump({"imageLayoutVersion": "1.0.0"}, open(out + "/oci-layout", "w"))


layer() if wanted["kind"] == "layer" else image()
