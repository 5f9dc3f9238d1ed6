"""simcheck: every SIM in the name of the living person whose ID stands behind it.

The flow, one step, one place:

    carriers/<code>        a carrier's file becomes declared rows of one shape
    simcheck.normalise     a cell becomes a number, a date, an ID, a name that can be compared
    simcheck.lake          rows at rest: encrypted Parquet, cut into buckets
    simcheck.register      the citizen register becomes an index that is probed by ID number
    simcheck.matching      declared against registered: reasons, and from them one verdict
    simcheck.crosscheck    the run: read, compare, look at the whole, write what goes back

The service around it:

    simcheck.api           another system asks: who is it (`access`), may it, one transaction (`db.engine`)
    simcheck.public        a holder asks: pages in two languages, a door for each
    simcheck.desks         staff and carriers' people ask: a door by permission, a package a room
    simcheck.cases         what is wrong becomes a case; `notices` tells its holder, `holders` puts it right
    simcheck.enforcement   what stays wrong: the policy in force, clocks, orders to carriers, restorations
    simcheck.care          people's data: how long it is kept, their requests, the purge that proves itself
    simcheck.reports       the country in figures, with their lists; the equalities that have to hold
    simcheck.uploads       a carrier's file comes in, sealed; a batch of rows in the lake comes out
    simcheck.audit         what was done, by whom, in a chain of hashes, in that same transaction
    simcheck.queue         what is to be done later; `jobs/` does it
    simcheck.service       what each process of the service holds

`simcheck.cli` is the door. `generator/` makes countries that do not exist, to try it on.
"""

__version__ = "0.1.0"
