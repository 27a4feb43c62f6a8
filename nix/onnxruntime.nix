# The ONNX Runtime that `turn-detect` loads: the one of the locked nixpkgs, if it is as new as the locked `ort` requires.
{ lib, onnxruntime, natives }:
let
  wanted = (natives.named "onnxruntime").version;
in
if lib.versionAtLeast onnxruntime.version wanted then onnxruntime
else throw "nixpkgs has ONNX Runtime ${onnxruntime.version}, but sayna-release.toml says that ort wants ${wanted}: update nixpkgs, or take an ort that is content with less"
