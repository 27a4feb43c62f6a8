
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'sayna' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'sayna'
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
        'sayna' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file (YAML)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file (YAML)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print the version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print the version')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'With --version, also print what it is built from')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Report every error of the configuration without starting the server')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Download the model files that this build needs')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Check whether a running server is healthy')
            break
        }
        'sayna;check' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file (YAML)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file (YAML)')
            [CompletionResult]::new('--values-only', '--values-only', [CompletionResultType]::ParameterName, 'Check only the values, not the files that they name, for the configuration of another machine')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sayna;init' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Copy files, or extract them from wheels, in this folder instead of downloading them')
            [CompletionResult]::new('--mirror', '--mirror', [CompletionResultType]::ParameterName, 'Download from this host, which has the same paths as the publishers')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file (YAML)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file (YAML)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sayna;health' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read this configuration file (YAML)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration file (YAML)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
