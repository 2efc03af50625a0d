//! The contract over a real server, when tests/rigs/servers.py has started one: NATTPOST_FTP_SERVER holds its words.
