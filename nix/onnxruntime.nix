# The ONNX Runtime that `turn-detect` loads: the locked nixpkgs', where it is as new as the locked `ort` wants.
{ lib, onnxruntime, natives }:
let
  wanted = (natives.named "onnxruntime").version;
in
if lib.versionAtLeast onnxruntime.version wanted then onnxruntime
else throw "nixpkgs has ONNX Runtime ${onnxruntime.version}, but sayna-release.toml says that ort wants ${wanted}: update nixpkgs, or take an ort that is content with less"
