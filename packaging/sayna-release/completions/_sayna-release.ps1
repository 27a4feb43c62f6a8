
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'sayna-release' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'sayna-release'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'sayna-release' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('plan', 'plan', [CompletionResultType]::ParameterValue, 'Plan a release: list what it consists of, and every problem that stops it')
            [CompletionResult]::new('changelog', 'changelog', [CompletionResultType]::ParameterValue, 'Write the notes of a release, or CHANGELOG.md, from the commit subjects')
            [CompletionResult]::new('build', 'build', [CompletionResultType]::ParameterValue, 'Build one target: the executable, its audit, archive, checksum and SBOM')
            [CompletionResult]::new('package', 'package', [CompletionResultType]::ParameterValue, 'Pack an existing executable into an archive with its checksum')
            [CompletionResult]::new('image', 'image', [CompletionResultType]::ParameterValue, 'Build the image of one platform as an OCI layout')
            [CompletionResult]::new('rehearse', 'rehearse', [CompletionResultType]::ParameterValue, 'Run a whole release on this machine, against a forge and a registry in folders')
            [CompletionResult]::new('publish', 'publish', [CompletionResultType]::ParameterValue, 'Publish a release: upload what forge and registries lack, and make it public')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verify a published release, or downloaded files of one')
            [CompletionResult]::new('promote', 'promote', [CompletionResultType]::ParameterValue, 'Move `latest` to a release, after verifying it')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Watch the newest public release: verify it, ask for advisories on its components, keep one issue')
            [CompletionResult]::new('audit', 'audit', [CompletionResultType]::ParameterValue, 'Audit executables: report what they need of a system, and check it against their target''s limits')
            [CompletionResult]::new('sbom', 'sbom', [CompletionResultType]::ParameterValue, 'Print the SBOM of a target (CycloneDX 1.6)')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check everything outside the checkout that could stop a release: tokens, tags, registries, caches')
            break
        }
        'sayna-release;plan' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the plan in this format')
            [CompletionResult]::new('--builder', '--builder', [CompletionResultType]::ParameterName, 'List only the targets of this builder; for --format matrix')
            [CompletionResult]::new('--product', '--product', [CompletionResultType]::ParameterName, 'List only this program; for --format matrix')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sayna-release;changelog' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the notes to this file instead of standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the notes to this file instead of standard output')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'Write the whole history to CHANGELOG.md. Lists commits without a tag under --tag, or under "Unreleased"')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sayna-release;build' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml]')
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'Build this target [default: this machine''s]')
            [CompletionResult]::new('--product', '--product', [CompletionResultType]::ParameterName, 'Build this program alone [default: every program of the release]')
            [CompletionResult]::new('--builder', '--builder', [CompletionResultType]::ParameterName, 'Build with Nix or with Cargo; auto takes Nix where sayna-release.toml says so and Nix is installed')
            [CompletionResult]::new('--trusted-root', '--trusted-root', [CompletionResultType]::ParameterName, 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write the parts to this folder')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--fetch', '--fetch', [CompletionResultType]::ParameterName, 'Download native inputs that this machine lacks, at the digests pinned in sayna-release.toml')
            [CompletionResult]::new('--reuse', '--reuse', [CompletionResultType]::ParameterName, 'Download and verify what is already published of this release, instead of building it')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sayna-release;package' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml]')
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'Pack for this target')
            [CompletionResult]::new('--product', '--product', [CompletionResultType]::ParameterName, 'Pack this program [default: the server]')
            [CompletionResult]::new('--binary', '--binary', [CompletionResultType]::ParameterName, 'Pack this executable')
            [CompletionResult]::new('--features', '--features', [CompletionResultType]::ParameterName, 'Choose the licences by these Cargo features of the executable [default: the target''s]')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write the archive to this folder')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sayna-release;image' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml]')
            [CompletionResult]::new('--platform', '--platform', [CompletionResultType]::ParameterName, 'Build this platform, such as linux/amd64 [default: this machine''s]')
            [CompletionResult]::new('--builder', '--builder', [CompletionResultType]::ParameterName, 'Build with Nix or with Cargo; auto takes Nix where sayna-release.toml says so and Nix is installed')
            [CompletionResult]::new('--trusted-root', '--trusted-root', [CompletionResultType]::ParameterName, 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]')
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write the part to this folder')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--reuse', '--reuse', [CompletionResultType]::ParameterName, 'Download and verify what is already published of this release, instead of building it')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sayna-release;rehearse' {
            [CompletionResult]::new('--builder', '--builder', [CompletionResultType]::ParameterName, 'Build with Nix or with Cargo; auto takes Nix where it is installed and the flake''s inputs can be fetched')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--twice', '--twice', [CompletionResultType]::ParameterName, 'Build a second time in another folder, and compare every byte')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sayna-release;publish' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml]')
            [CompletionResult]::new('--forge', '--forge', [CompletionResultType]::ParameterName, 'Use this forge: github:OWNER/REPOSITORY or dir:PATH [default: the one in sayna-release.toml]')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'Use this registry: `docker://HOST/REPOSITORY` (HOST defaults to docker.io) or oci:PATH; repeatable [default: with the forge of sayna-release.toml, the repositories listed there]')
            [CompletionResult]::new('--trusted-root', '--trusted-root', [CompletionResultType]::ParameterName, 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]')
            [CompletionResult]::new('--dist', '--dist', [CompletionResultType]::ParameterName, 'Read the parts from this folder')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Publish one track only')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Stop after this step')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--here', '--here', [CompletionResultType]::ParameterName, 'Plan only the targets that this machine can build, as a rehearsal does')
            [CompletionResult]::new('--allow-host-parts', '--allow-host-parts', [CompletionResultType]::ParameterName, 'Accept parts of another compiler or assembled on a host; refused at the destinations of sayna-release.toml')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be done, and change nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'sayna-release;verify' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml; outside a checkout the latest release''s]')
            [CompletionResult]::new('--forge', '--forge', [CompletionResultType]::ParameterName, 'Use this forge: github:OWNER/REPOSITORY or dir:PATH [default: the one in sayna-release.toml]')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'Use this registry: `docker://HOST/REPOSITORY` (HOST defaults to docker.io) or oci:PATH; repeatable [default: with the forge of sayna-release.toml, the repositories listed there]')
            [CompletionResult]::new('--trusted-root', '--trusted-root', [CompletionResultType]::ParameterName, 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]')
            [CompletionResult]::new('--html', '--html', [CompletionResultType]::ParameterName, 'Write the release as one HTML page to this file: downloads, the checklist, digests, how to repeat each check. Not with FILE')
            [CompletionResult]::new('--statement', '--statement', [CompletionResultType]::ParameterName, 'Write a statement about the identical build into this folder, to be signed: predicate.json and subjects.sha256')
            [CompletionResult]::new('--attestations', '--attestations', [CompletionResultType]::ParameterName, 'Read the attestations from this file [default: the release''s, beside the first FILE]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--here', '--here', [CompletionResultType]::ParameterName, 'Plan only the targets that this machine can build, as a rehearsal does')
            [CompletionResult]::new('--reproduce', '--reproduce', [CompletionResultType]::ParameterName, 'Build what this machine can build, and compare it with the release')
            [CompletionResult]::new('--fetch', '--fetch', [CompletionResultType]::ParameterName, 'Fetch the attestations from GitHub, by each file''s digest')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sayna-release;promote' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml; outside a checkout the latest release''s]')
            [CompletionResult]::new('--forge', '--forge', [CompletionResultType]::ParameterName, 'Use this forge: github:OWNER/REPOSITORY or dir:PATH [default: the one in sayna-release.toml]')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'Use this registry: `docker://HOST/REPOSITORY` (HOST defaults to docker.io) or oci:PATH; repeatable [default: with the forge of sayna-release.toml, the repositories listed there]')
            [CompletionResult]::new('--trusted-root', '--trusted-root', [CompletionResultType]::ParameterName, 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--here', '--here', [CompletionResultType]::ParameterName, 'Plan only the targets that this machine can build, as a rehearsal does')
            [CompletionResult]::new('--back', '--back', [CompletionResultType]::ParameterName, 'Allow moving `latest` back to an older version')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be moved, and change nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sayna-release;watch' {
            [CompletionResult]::new('--forge', '--forge', [CompletionResultType]::ParameterName, 'Use this forge: github:OWNER/REPOSITORY, or with --dry-run dir:PATH [default: the one built in]')
            [CompletionResult]::new('--registry', '--registry', [CompletionResultType]::ParameterName, 'Use this registry: `docker://HOST/REPOSITORY` or oci:PATH; repeatable [default: with the forge built in, its repositories]')
            [CompletionResult]::new('--trusted-root', '--trusted-root', [CompletionResultType]::ParameterName, 'Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in]')
            [CompletionResult]::new('--advisories', '--advisories', [CompletionResultType]::ParameterName, 'Ask this service for advisories')
            [CompletionResult]::new('--vex', '--vex', [CompletionResultType]::ParameterName, 'Leave out advisories that this VEX document excuses [default: security/vex.json of the checkout, if any]')
            [CompletionResult]::new('--author', '--author', [CompletionResultType]::ParameterName, 'Act on issues of this account alone, which is the token''s')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be done to the issue, and change nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sayna-release;audit' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sayna-release;sbom' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml]')
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'Describe this target [default: this machine''s]')
            [CompletionResult]::new('--product', '--product', [CompletionResultType]::ParameterName, 'Describe this program [default: the server]')
            [CompletionResult]::new('--binary', '--binary', [CompletionResultType]::ParameterName, 'Describe this executable [default: the one in the part of --dist]')
            [CompletionResult]::new('--dist', '--dist', [CompletionResultType]::ParameterName, 'Read the parts from this folder')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sayna-release;doctor' {
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Use this release tag [default: HEAD''s, else v and the version in Cargo.toml]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON document to standard output instead of text')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
