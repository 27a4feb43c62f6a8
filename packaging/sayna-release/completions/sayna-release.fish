# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sayna_release_global_optspecs
    string join \n json root= h/help V/version
end

function __fish_sayna_release_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sayna_release_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sayna_release_using_subcommand
    set -l cmd (__fish_sayna_release_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sayna-release -n "__fish_sayna_release_needs_command" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_needs_command" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -s h -l help -d 'Print help'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -s V -l version -d 'Print version'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "plan" -d 'Plan a release: list what it consists of, and every problem that stops it'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "changelog" -d 'Write the notes of a release, or CHANGELOG.md, from the commit subjects'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "build" -d 'Build one target: the executable, its audit, archive, checksum and SBOM'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "package" -d 'Pack an existing executable into an archive with its checksum'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "image" -d 'Build the image of one platform as an OCI layout'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "rehearse" -d 'Run a whole release on this machine, against a forge and a registry in folders'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "publish" -d 'Publish a release: upload what forge and registries lack, and make it public'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "verify" -d 'Verify a published release, or downloaded files of one'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "promote" -d 'Move `latest` to a release, after verifying it'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "watch" -d 'Watch the newest public release: verify it, ask for advisories on its components, keep one issue'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "audit" -d 'Audit executables: report what they need of a system, and check it against their target\'s limits'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "sbom" -d 'Print the SBOM of a target (CycloneDX 1.6)'
complete -c sayna-release -n "__fish_sayna_release_needs_command" -f -a "doctor" -d 'Check everything outside the checkout that could stop a release: tokens, tags, registries, caches'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand plan" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand plan" -l format -d 'Print the plan in this format' -r -f -a "text\t'A table for people'
json\t'The whole plan'
matrix\t'The matrix of a GitHub workflow, for `fromJSON`'"
complete -c sayna-release -n "__fish_sayna_release_using_subcommand plan" -l builder -d 'List only the targets of this builder; for --format matrix' -r -f -a "nix\t''
cargo\t''"
complete -c sayna-release -n "__fish_sayna_release_using_subcommand plan" -l product -d 'List only this program; for --format matrix' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand plan" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand plan" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand changelog" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand changelog" -s o -l output -d 'Write the notes to this file instead of standard output' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand changelog" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand changelog" -l write -d 'Write the whole history to CHANGELOG.md. Lists commits without a tag under --tag, or under "Unreleased"'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand changelog" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand changelog" -s h -l help -d 'Print help'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l target -d 'Build this target [default: this machine\'s]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l product -d 'Build this program alone [default: every program of the release]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l builder -d 'Build with Nix or with Cargo; auto takes Nix where sayna-release.toml says so and Nix is installed' -r -f -a "auto\t'Nix where the table says so and both Nix and a flake are there, else Cargo'
nix\t'Nix'
cargo\t'Cargo'"
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l trusted-root -d 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l out -d 'Write the parts to this folder' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l fetch -d 'Download native inputs that this machine lacks, at the digests pinned in sayna-release.toml'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l reuse -d 'Download and verify what is already published of this release, instead of building it'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand build" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand package" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand package" -l target -d 'Pack for this target' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand package" -l product -d 'Pack this program [default: the server]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand package" -l binary -d 'Pack this executable' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand package" -l features -d 'Choose the licences by these Cargo features of the executable [default: the target\'s]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand package" -l out -d 'Write the archive to this folder' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand package" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand package" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand package" -s h -l help -d 'Print help'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand image" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand image" -l platform -d 'Build this platform, such as linux/amd64 [default: this machine\'s]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand image" -l builder -d 'Build with Nix or with Cargo; auto takes Nix where sayna-release.toml says so and Nix is installed' -r -f -a "auto\t'Nix where the table says so and both Nix and a flake are there, else Cargo'
nix\t'Nix'
cargo\t'Cargo'"
complete -c sayna-release -n "__fish_sayna_release_using_subcommand image" -l trusted-root -d 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand image" -l out -d 'Write the part to this folder' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand image" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand image" -l reuse -d 'Download and verify what is already published of this release, instead of building it'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand image" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand image" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand rehearse" -l builder -d 'Build with Nix or with Cargo; auto takes Nix where it is installed and the flake\'s inputs can be fetched' -r -f -a "auto\t'Nix where the table says so and both Nix and a flake are there, else Cargo'
nix\t'Nix'
cargo\t'Cargo'"
complete -c sayna-release -n "__fish_sayna_release_using_subcommand rehearse" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand rehearse" -l twice -d 'Build a second time in another folder, and compare every byte'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand rehearse" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand rehearse" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l forge -d 'Use this forge: github:OWNER/REPOSITORY or dir:PATH [default: the one in sayna-release.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l registry -d 'Use this registry: `docker://HOST/REPOSITORY` (HOST defaults to docker.io) or oci:PATH; repeatable [default: with the forge of sayna-release.toml, the repositories listed there]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l trusted-root -d 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l dist -d 'Read the parts from this folder' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l only -d 'Publish one track only' -r -f -a "binaries\t'The forge'
images\t'The registries'"
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l until -d 'Stop after this step' -r -f -a "draft\t'When the draft is complete and compared'"
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l here -d 'Plan only the targets that this machine can build, as a rehearsal does'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l allow-host-parts -d 'Accept parts of another compiler or assembled on a host; refused at the destinations of sayna-release.toml'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l dry-run -d 'Print what would be done, and change nothing'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand publish" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml; outside a checkout the latest release\'s]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l forge -d 'Use this forge: github:OWNER/REPOSITORY or dir:PATH [default: the one in sayna-release.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l registry -d 'Use this registry: `docker://HOST/REPOSITORY` (HOST defaults to docker.io) or oci:PATH; repeatable [default: with the forge of sayna-release.toml, the repositories listed there]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l trusted-root -d 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l html -d 'Write the release as one HTML page to this file: downloads, the checklist, digests, how to repeat each check. Not with FILE' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l statement -d 'Write a statement about the identical build into this folder, to be signed: predicate.json and subjects.sha256' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l attestations -d 'Read the attestations from this file [default: the release\'s, beside the first FILE]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l here -d 'Plan only the targets that this machine can build, as a rehearsal does'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l reproduce -d 'Build what this machine can build, and compare it with the release'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l fetch -d 'Fetch the attestations from GitHub, by each file\'s digest'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand verify" -s h -l help -d 'Print help'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml; outside a checkout the latest release\'s]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -l forge -d 'Use this forge: github:OWNER/REPOSITORY or dir:PATH [default: the one in sayna-release.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -l registry -d 'Use this registry: `docker://HOST/REPOSITORY` (HOST defaults to docker.io) or oci:PATH; repeatable [default: with the forge of sayna-release.toml, the repositories listed there]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -l trusted-root -d 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -l here -d 'Plan only the targets that this machine can build, as a rehearsal does'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -l back -d 'Allow moving `latest` back to an older version'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -l dry-run -d 'Print what would be moved, and change nothing'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand promote" -s h -l help -d 'Print help'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -l forge -d 'Use this forge: github:OWNER/REPOSITORY, or with --dry-run dir:PATH [default: the one built in]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -l registry -d 'Use this registry: `docker://HOST/REPOSITORY` or oci:PATH; repeatable [default: with the forge built in, its repositories]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -l trusted-root -d 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -l advisories -d 'Ask this service for advisories' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -l vex -d 'Leave out advisories that this VEX document excuses [default: security/vex.json of the checkout, if any]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -l author -d 'Act on issues of this account alone, which is the token\'s' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -l dry-run -d 'Print what would be done to the issue, and change nothing'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand watch" -s h -l help -d 'Print help'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand audit" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand audit" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand audit" -s h -l help -d 'Print help'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand sbom" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand sbom" -l target -d 'Describe this target [default: this machine\'s]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand sbom" -l product -d 'Describe this program [default: the server]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand sbom" -l binary -d 'Describe this executable [default: the one in the part of --dist]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand sbom" -l dist -d 'Read the parts from this folder' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand sbom" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand sbom" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand sbom" -s h -l help -d 'Print help'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand doctor" -l tag -d 'Use this release tag [default: HEAD\'s, else v and the version in Cargo.toml]' -r
complete -c sayna-release -n "__fish_sayna_release_using_subcommand doctor" -l root -d 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]' -r -F
complete -c sayna-release -n "__fish_sayna_release_using_subcommand doctor" -l json -d 'Print one JSON document to standard output instead of text'
complete -c sayna-release -n "__fish_sayna_release_using_subcommand doctor" -s h -l help -d 'Print help'
