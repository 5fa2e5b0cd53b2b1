//! Groups, their answers, and what happens when something goes wrong.

mod groups;
