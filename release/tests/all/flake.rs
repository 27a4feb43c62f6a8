//! The flake, evaluated and built by the real Nix with the stand-ins of `nix/stubs` for its inputs.

mod building_page;
mod builds;
mod evaluation;
mod remote;
mod sources;
mod tree;

use sayna_release::table::{Download, Source, Supply, Table};

fn table() -> Table {
    Source::built_in().unwrap().table
}

fn libwebrtc() -> Download {
    let native = table().native.into_iter().find(|n| n.name.get_ref() == "libwebrtc").unwrap();
    let Supply::Download(download) = native.supply else { panic!("libwebrtc is downloaded") };
    download
}
