# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sayna_global_optspecs
    string join \n c/config= V/version verbose h/help
end

function __fish_sayna_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sayna_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sayna_using_subcommand
    set -l cmd (__fish_sayna_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sayna -n "__fish_sayna_needs_command" -s c -l config -d 'Read this configuration file (YAML)' -r -F
complete -c sayna -n "__fish_sayna_needs_command" -s V -l version -d 'Print the version'
complete -c sayna -n "__fish_sayna_needs_command" -l verbose -d 'With --version, also print what it is built from'
complete -c sayna -n "__fish_sayna_needs_command" -s h -l help -d 'Print help'
complete -c sayna -n "__fish_sayna_needs_command" -f -a "check" -d 'Report every error of the configuration without starting the server'
complete -c sayna -n "__fish_sayna_needs_command" -f -a "init" -d 'Download the model files that this build needs'
complete -c sayna -n "__fish_sayna_needs_command" -f -a "health" -d 'Check whether a running server is healthy'
complete -c sayna -n "__fish_sayna_using_subcommand check" -s c -l config -d 'Read this configuration file (YAML)' -r -F
complete -c sayna -n "__fish_sayna_using_subcommand check" -l values-only -d 'Check only the values, not the files that they name, for the configuration of another machine'
complete -c sayna -n "__fish_sayna_using_subcommand check" -s h -l help -d 'Print help'
complete -c sayna -n "__fish_sayna_using_subcommand init" -l from -d 'Copy files, or extract them from wheels, in this folder instead of downloading them' -r -F
complete -c sayna -n "__fish_sayna_using_subcommand init" -l mirror -d 'Download from this host, which has the same paths as the publishers' -r
complete -c sayna -n "__fish_sayna_using_subcommand init" -s c -l config -d 'Read this configuration file (YAML)' -r -F
complete -c sayna -n "__fish_sayna_using_subcommand init" -s h -l help -d 'Print help'
complete -c sayna -n "__fish_sayna_using_subcommand health" -s c -l config -d 'Read this configuration file (YAML)' -r -F
complete -c sayna -n "__fish_sayna_using_subcommand health" -s h -l help -d 'Print help'
