//! Reads the words, calls, and turns the end into an exit code of sysexits.h. The codes stand here and nowhere else.

use std::process::ExitCode;

use nattpost::cli::{self, ends::End};

fn main() -> ExitCode {
    ExitCode::from(match cli::start(std::env::args_os()) {
        End::Well => 0,
        End::Usage => 64,
        End::Refused => 65,
        End::NotFound => 66,
        End::Unavailable => 69,
        End::Internal => 70,
        End::ReadWrite => 74,
        End::Later => 75,
        End::NoPermission => 77,
        End::Configuration => 78,
    })
}
