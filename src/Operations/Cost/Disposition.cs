namespace LokiGateway.Operations.Cost;

/// <summary>What becomes of an amount that was read. Everything that is not counted is added up as well, so that the books close: see <see cref="Reconciliation"/>.</summary>
internal enum Disposition
{
    Counted,

    /// <summary>A rule says ignore.</summary>
    Ignored,

    /// <summary>scope is matched, and neither rule nor tag gives a component.</summary>
    OutOfScope,

    /// <summary>Another kind of source owns this class: the same dollar stands there.</summary>
    LeftToOwner,

    /// <summary>A credit, and include.credits is off.</summary>
    Credit,

    /// <summary>A tax, and include.taxes is off.</summary>
    Tax,

    /// <summary>Of a day outside --from and --to.</summary>
    OutOfRange,
}
