//! Only questions: everything that would change something, in the book, in the session or on disk, is refused.

use crate::error::QueryError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::Statement as Ast;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;

/// Reads one statement.
///
/// # Errors
/// `sql_syntax`; `sql_statements` when there is none or more than one.
pub fn one_statement(sql: &str) -> Result<Statement, QueryError> {
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&PostgreSqlDialect {})
        .build()
        .and_then(|mut parser| parser.parse_statements())?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(one), true) => Ok(one),
        (none, _) => Err(QueryError::usage(
            "sql_statements",
            if none.is_none() { "there is no statement" } else { "there is more than one statement" },
            "give one SELECT",
        )),
    }
}

/// Refuses what is not a question, by its words.
///
/// # Errors
/// `read_only`.
pub fn check_statement(statement: &Statement) -> Result<(), QueryError> {
    let asked = match statement {
        Statement::Statement(ast) => is_question(ast),
        Statement::Explain(explain) => return check_statement(&explain.statement),
        _ => false,
    };
    if asked { Ok(()) } else { Err(read_only(&statement.to_string())) }
}

/// True for statements that only ask.
pub(crate) fn is_question(ast: &Ast) -> bool {
    match ast {
        Ast::Query(_)
        | Ast::ExplainTable { .. }
        | Ast::ShowTables { .. }
        | Ast::ShowColumns { .. }
        | Ast::ShowVariable { .. } => true,
        Ast::Explain { statement, .. } => is_question(statement),
        _ => false,
    }
}

pub(crate) fn read_only(statement: &str) -> QueryError {
    let word = statement.split_whitespace().next().unwrap_or_default().to_uppercase();
    QueryError::usage(
        "read_only",
        format!("{word} is refused: the book is only read here, by queries"),
        "use SELECT; facts come in by netnew import, files go out by netnew export or --format csv",
    )
}

/// Refuses what is not a question, by what it would do.
///
/// # Errors
/// `read_only`.
pub fn check_plan(plan: &LogicalPlan) -> Result<(), QueryError> {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(plan)
        .map_err(|error| {
            QueryError::usage(
                "read_only",
                format!("the book is only read here, by queries: {}", error.strip_backtrace()),
                "use SELECT; facts come in by netnew import, files go out by netnew export or --format csv",
            )
        })
}
