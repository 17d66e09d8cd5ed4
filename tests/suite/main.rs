//! Integration tests.
#![cfg(test)]
