//! The command line by the real binary: what it says, in words and as objects, and how it ends. `desk` is the small
//! company that the tests run in.

mod asking;
mod desk;
mod failing;
mod layouts;
mod looking;
mod manual;
mod planning;
mod samples;
mod together;
