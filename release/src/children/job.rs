//! On Windows each program is put into a job of its own (learn.microsoft.com, "Job Objects"). What it starts belongs to the job
//! too, and the system ends all of it with the job's last handle, which this program alone has.
#![expect(unsafe_code, reason = "std has no jobs; these are five calls of the system with handles that std owns")]

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::process::Child;
use std::ptr;

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
    TerminateJobObject,
};

/// The job of one program.
#[derive(Debug)]
pub(super) struct Watch(OwnedHandle);

impl Watch {
    /// Of a program that was just started. What it starts in the moment before is in no job. `None` where the system has no
    /// more of them: the programs run as they would without all this.
    pub(super) fn over(child: &Child) -> Option<Self> {
        let job = Self::new().ok()?;
        job.limit(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE).ok()?;
        // SAFETY: both handles are open as long as their owners live.
        let assigned = unsafe { AssignProcessToJobObject(job.0.as_raw_handle(), child.as_raw_handle()) };
        (assigned != 0).then_some(job)
    }

    /// Ends the job. Of a program that has ended by itself, what it left running on purpose may run on.
    pub(super) fn end(self, waited: bool) {
        if waited {
            drop(self.limit(0));
        } else {
            // SAFETY: the handle is open as long as its owner lives.
            unsafe { TerminateJobObject(self.0.as_raw_handle(), 1) };
        }
    }

    fn new() -> io::Result<Self> {
        // SAFETY: a job may have neither a name nor a security descriptor; its handle is then inherited by no program.
        let handle = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, and nothing else owns it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    fn limit(&self, flags: u32) -> io::Result<()> {
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = flags;
        let size = u32::try_from(size_of_val(&limits)).map_err(io::Error::other)?;
        // SAFETY: the pointer and the size are those of one structure, of the kind that is named.
        let set = unsafe {
            let job = self.0.as_raw_handle();
            SetInformationJobObject(job, JobObjectExtendedLimitInformation, ptr::from_ref(&limits).cast(), size)
        };
        if set == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
