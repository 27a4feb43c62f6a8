//! Peak memory, of this process and of others.

use std::fs;
use std::process::Command;

/// This process's largest resident size in kB.
pub(crate) fn own() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// That of the largest of a command's processes, which Python's `resource` tells.
pub(crate) fn of(command: &str) -> u64 {
    let program = "import resource, subprocess, sys; subprocess.run(['bash', '-c', sys.argv[1]], check=True, capture_output=True); \
                   print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let output = Command::new("python3").args(["-c", program, command]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}
