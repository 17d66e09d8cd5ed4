//! What `let` names.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use kql_syntax::ast::Function;

use crate::bound::Bound;
use crate::relation::Relation;

#[expect(
    clippy::large_enum_variant,
    reason = "a query has some tens of names, and each is cloned when it is read"
)]
/// The meaning of a name.
#[derive(Clone, Debug)]
pub(crate) enum Binding {
    /// A value: a constant, or an expression over the row of the function's caller.
    Scalar(Bound),
    Tabular(Relation),
    /// A function and where it was defined.
    Function(Rc<Function>, Rc<Scope>),
}

/// Names of one block, within those around it.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    parent: Option<Rc<Scope>>,
    names: RefCell<BTreeMap<String, Binding>>,
}

impl Scope {
    pub(crate) fn within(parent: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self {
            parent: Some(Rc::clone(parent)),
            names: RefCell::default(),
        })
    }

    pub(crate) fn define(&self, name: impl Into<String>, binding: Binding) {
        self.names.borrow_mut().insert(name.into(), binding);
    }

    pub(crate) fn find(&self, name: &str) -> Option<Binding> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(binding) = here.names.borrow().get(name) {
                return Some(binding.clone());
            }
            scope = here.parent.as_deref();
        }
        None
    }

    /// All names that can be seen, nearest first.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut scope = Some(self);
        while let Some(here) = scope {
            names.extend(here.names.borrow().keys().cloned());
            scope = here.parent.as_deref();
        }
        names
    }
}
