namespace LokiGateway.Operations.Cost.Reading;

/// <summary>
/// What a row of a bill was spent on, from what AWS writes into it. ServiceCategory alone does not say: disks are billed by EC2, requests and bytes out by S3. A rule's
/// <c>class</c> corrects what is found out wrongly.
/// </summary>
internal static class FocusClasses
{
    public static ResourceClass Of(string service, string category, string resourceType, string resourceId, string unit, string meter)
    {
        if (Has(meter, "DataTransfer") || Has(meter, "-Bytes") || Has(meter, "data transfer") || Has(service, "Data Transfer")) return ResourceClass.Transfer;
        if (Has(unit, "Request") || Has(meter, "-Requests") || Has(meter, "Requests-")) return ResourceClass.Requests;
        if (Has(meter, "EBS:") || Has(resourceId, ":volume/") || Has(resourceId, ":snapshot/") || Has(resourceType, "volume") || Has(meter, "TimedStorage"))
            return ResourceClass.Storage;
        if (Has(meter, "NatGateway") || Has(resourceId, ":natgateway/") || Has(resourceId, ":loadbalancer/")) return ResourceClass.Transfer;
        return category switch
        {
            "Storage" => ResourceClass.Storage,
            "Compute" => ResourceClass.Compute,
            "Networking" => ResourceClass.Transfer,
            _ when Has(service, "Simple Storage Service") || Has(service, "Elastic Block Store") || Has(service, "Elastic File System") => ResourceClass.Storage,
            _ when Has(service, "Elastic Compute Cloud") || Has(service, "Elastic Kubernetes") || Has(service, "Elastic Container Service for Kubernetes")
                || Has(service, "Fargate") => ResourceClass.Compute,
            _ when Has(service, "Virtual Private Cloud") || Has(service, "Load Balancing") => ResourceClass.Transfer,
            _ => ResourceClass.Other,
        };
    }

    private static bool Has(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);
}
