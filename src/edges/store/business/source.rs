//! Where the head rows of a selection come from, and what their columns are called there: a table, some wanted rows of it, or the
//! orders with what is known of their status.

use super::also::{OwnRow, find};
use super::open_orders;
use super::selection::Selection;
use super::sets;
use super::tables::{KindTables, TableColumn};
use super::wanted;
use crate::model::kind::Kind;

/// The place of a wanted key among them.
const WANTED_ORDER: &str = "w.nth";

/// Of an order `o` of which the ERP has said nothing: one that was cancelled before it went out stays with us.
const STATUS_OF_OURS: &str = "CASE WHEN EXISTS (SELECT 1 FROM order_form c WHERE c.order_row = o.row_id AND c.cancels = 1 \
     AND c.told = 0) THEN 'cancelled' ELSE 'received' END";

/// Where head rows come from and what their columns are called there.
pub(super) struct Source {
    kind: String,
    /// Only rows whose keys were named.
    wanted: bool,
    from: &'static str,
    /// What `Origin::number` of a message becomes; NULL for flat kinds.
    pub row: &'static str,
    pub order: String,
    pub in_order_of_keys: bool,
    pub composed_status: bool,
    pub received: Option<&'static str>,
    pub closed_as_zero: Option<usize>,
    minus_open_orders: Option<usize>,
    /// Rows that are computed.
    is_of_sets: bool,
}

impl Source {
    pub fn of(kind: &Kind, tables: &KindTables, selection: &Selection<'_>) -> Source {
        if kind.name == "order_status" && selection.row.is_none() && !selection.as_stored {
            let from = "orders o LEFT JOIN order_status h ON h.buyer_order_no = o.buyer_order_no AND h.customer_no = o.customer_no \
                 AND h.partner = o.partner AND h.active = 1";
            let order = match (selection.wanted, selection.by_key) {
                (true, _) => WANTED_ORDER.to_string(),
                (false, true) => "o.partner, o.customer_no, o.buyer_order_no".to_string(),
                (false, false) => "o.row_id".to_string(),
            };
            return Source {
                kind: kind.name.clone(),
                wanted: selection.wanted,
                from,
                row: "o.row_id",
                order,
                in_order_of_keys: false,
                composed_status: true,
                received: Some("o.received_at"),
                closed_as_zero: None,
                minus_open_orders: None,
                is_of_sets: false,
            };
        }
        let keys: Vec<_> = tables.keys().map(|c| format!("h.\"{}\"", c.name)).collect();
        Source {
            kind: kind.name.clone(),
            wanted: selection.wanted,
            from: "",
            row: if tables.flat { "0" } else { "h.row_id" },
            order: match selection.wanted {
                true => WANTED_ORDER.to_string(),
                false if tables.request => "h.row_id".to_string(),
                false => keys.join(", "),
            },
            in_order_of_keys: !selection.wanted && !tables.request,
            composed_status: false,
            received: tables.columns.iter().any(|c| c.name == "received_at").then_some("h.received_at"),
            closed_as_zero: selection.closed_as_zero.filter(|_| !tables.request),
            minus_open_orders: selection.minus_open_orders,
            is_of_sets: false,
        }
    }

    /// The same rows of sets: what is open was subtracted from their components.
    pub fn of_sets(kind: &Kind, tables: &KindTables, selection: &Selection<'_>) -> Source {
        let selection = Selection { minus_open_orders: None, ..*selection };
        Source { is_of_sets: true, ..Source::of(kind, tables, &selection) }
    }

    pub fn from(&self, tables: &KindTables) -> String {
        let rows = match (self.composed_status, self.is_of_sets) {
            (true, _) => self.from.to_string(),
            (false, true) => sets::rows(tables),
            (false, false) => format!("\"{}\" h", tables.head),
        };
        // CROSS JOIN keeps the wanted keys outermost.
        if self.wanted { format!("{} w CROSS JOIN {rows}", wanted::table(&self.kind)) } else { rows }
    }

    pub fn column(&self, column: &TableColumn) -> String {
        if !self.composed_status {
            return self.open_or_zero(column);
        }
        match column.name.as_str() {
            "partner" | "customer_no" | "customer_no_sent" | "buyer_order_no" => format!("o.\"{}\"", column.name),
            "order_no" => "COALESCE(h.order_no, o.order_no)".to_string(),
            "status" => format!("COALESCE(h.status, {STATUS_OF_OURS})"),
            "status_at" => "COALESCE(h.status_at, CASE WHEN h.row_id IS NULL THEN o.received_at END)".to_string(),
            name => format!("h.\"{name}\""),
        }
    }

    fn open_or_zero(&self, column: &TableColumn) -> String {
        let name = match self.minus_open_orders {
            Some(field) if field == column.field && !column.sent => {
                format!("(h.\"{}\" - {})", column.name, open_orders::OF_ROW)
            }
            _ => format!("h.\"{}\"", column.name),
        };
        match self.closed_as_zero {
            Some(_) if column.key => name,
            Some(zero) if zero == column.field => format!("CASE WHEN h.active = 1 THEN {name} ELSE 0 END"),
            Some(_) => format!("CASE WHEN h.active = 1 THEN {name} END"),
            None => name,
        }
    }
}

/// The head row of a selection, and the node of a group that is read with it.
pub(super) struct SelectedRow<'q> {
    pub source: &'q Source,
    pub tables: &'q KindTables,
    pub group: usize,
}

impl OwnRow for SelectedRow<'_> {
    fn head(&self, field: usize) -> Option<String> {
        let column = find(&self.tables.columns, field)?;
        Some(match self.source.composed_status {
            true => self.source.column(column),
            // Also of a row that is closed.
            false => format!("h.\"{}\"", column.name),
        })
    }

    fn node(&self, field: usize) -> Option<String> {
        let group = self.tables.groups[self.group].as_ref()?;
        find(&group.columns, field).map(|column| format!("c.\"{}\"", column.name))
    }
}
