//! What holds for the project as a whole: its layers, its dependencies, and the program as a user meets it.
#![cfg(test)]

mod dependencies;
mod layers;
mod mapping;
mod program;
mod schemas;
mod tidy;
