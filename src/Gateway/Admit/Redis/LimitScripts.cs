// What happens inside Redis. A script runs alone and by Redis's own clock, so gateways whose clocks differ still share one limit, and no two of them can take the same
// byte. All keys of a call carry the tenant as their hash tag: they lie in one slot of a cluster.
namespace LokiGateway.Gateway.Admit.Redis;

internal static class LimitScripts
{
    /// <summary>A tenant's streams lie in so many sorted sets, so that forgetting those that expired never stops Redis for a whole tenant.</summary>
    public const int Partitions = 8;

    /// <summary>Hashes a call carries at most: about 5 ms of Redis.</summary>
    public const int HashesPerCallMax = 2000;

    /// <summary>How long Redis keeps an allowance of streams that its gateway does not renew.</summary>
    public const int AllowanceSeconds = 10;

    /// <summary>
    /// The token bucket of a tenant, as <see cref="TokenBucket"/> has it. A bucket that is not there is full: it is kept until it would be full anyway.
    /// KEYS: bucket. ARGV: bytes per second, burst, bytes given back (below 0: taken without asking), bytes needed (all or nothing), bytes wanted ahead, 1/share of
    /// what is left that may be leased ahead. Returns bytes granted, bytes left.
    /// </summary>
    public const string Bytes = """
        local t = redis.call('TIME')
        local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
        local rate, burst, give = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local need, want, share = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
        local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
        local tokens = burst
        if state[1] and state[2] then
          tokens = tonumber(state[1]) + math.max(0, now - tonumber(state[2])) * rate / 1000000
        end
        tokens = math.max(0, math.min(burst, math.min(burst, tokens) + give))
        local granted = 0
        if tokens >= need then
          granted = need
          local left = tokens - need
          if want > 0 and left >= burst / 8 then granted = granted + math.floor(math.min(want, left / share)) end
        end
        tokens = tokens - granted
        local ttl = 86400000
        if rate > 0 then ttl = math.min(ttl, math.ceil(burst / rate * 1000) + 60000) end
        redis.call('HSET', KEYS[1], 'tokens', string.format('%.3f', tokens), 'at', string.format('%.0f', now))
        redis.call('PEXPIRE', KEYS[1], ttl)
        return {granted, math.floor(tokens)}
        """;

    /// <summary>
    /// The active streams of a tenant. Told streams were admitted by an allowance and are taken in whatever the count; asked ones are taken in while there is room.
    /// An allowance is room set aside for one gateway, out of the first nine tenths of the limit: active streams and allowances together never exceed the limit.
    /// KEYS: book (epoch, swept minute, allowances), partitions. ARGV: gateway, limit, allowance to keep (-1: leave it as it is), allowance wanted, minutes of
    /// activity, told hashes of 8 bytes, a byte each with the minutes since they were seen, asked hashes, a value for a new epoch.
    /// Returns the epoch, active streams and allowances together, this gateway's allowance, and for each asked stream a character 1 or 0.
    /// </summary>
    public const string Streams = """
        local seconds = tonumber(redis.call('TIME')[1])
        local minute = math.floor(seconds / 60)
        local gateway, limit, keep, want, window = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
        local told, ages, asked = ARGV[6], ARGV[7], ARGV[8]
        local book, parts = KEYS[1], #KEYS - 1
        local oldest = '(' .. (minute - window)
        local touched = {}
        local function partition(member)
          local index = 2 + string.byte(member) % parts
          touched[index] = true
          return KEYS[index]
        end
        local function sweep(index) redis.call('ZREMRANGEBYSCORE', KEYS[index], '-inf', oldest) end
        local function count()
          local sum = 0
          for index = 2, parts + 1 do sum = sum + redis.call('ZCARD', KEYS[index]) end
          return sum
        end

        local epoch, swept, held, own = false, 0, 0, 0
        local fields = redis.call('HGETALL', book)
        for i = 1, #fields, 2 do
          local name, value = fields[i], fields[i + 1]
          if name == 'epoch' then epoch = value
          elseif name == 'swept' then swept = tonumber(value)
          else
            local amount, ends = string.match(value, '^(%d+):(%d+)$')
            if not amount or tonumber(ends) <= seconds then redis.call('HDEL', book, name)
            else
              held = held + tonumber(amount)
              if name == gateway then own = tonumber(amount) end
            end
          end
        end
        if not epoch then
          epoch = ARGV[9]
          redis.call('HSET', book, 'epoch', epoch)
        end

        for i = 1, #told, 8 do
          local member = string.sub(told, i, i + 7)
          redis.call('ZADD', partition(member), 'GT', minute - string.byte(ages, (i + 7) / 8), member)
        end
        sweep(2 + seconds % parts)
        local total = count()
        if swept < minute and total + held + #asked / 8 >= limit * 0.9 then
          for index = 2, parts + 1 do sweep(index) end
          redis.call('HSET', book, 'swept', minute)
          total = count()
        end

        local verdicts = {}
        for i = 1, #asked, 8 do
          local member = string.sub(asked, i, i + 7)
          local key = partition(member)
          local score = redis.call('ZSCORE', key, member)
          local known = score and tonumber(score) >= minute - window
          if known or total + held < limit then
            redis.call('ZADD', key, 'GT', minute, member)
            if not score then total = total + 1 end
            verdicts[#verdicts + 1] = '1'
          else
            verdicts[#verdicts + 1] = '0'
          end
        end

        if keep >= 0 then
          local room = math.floor((limit * 0.9 - total - (held - own)) / 2)
          held = held - own
          own = math.max(keep, math.min(want, math.max(0, room)))
          held = held + own
          if own > 0 then redis.call('HSET', book, gateway, own .. ':' .. (seconds + 10))
          else redis.call('HDEL', book, gateway) end
        end
        local ttl = (window + 10) * 60000
        redis.call('PEXPIRE', book, ttl)
        for index in pairs(touched) do redis.call('PEXPIRE', KEYS[index], ttl) end
        return {epoch, total + held, own, table.concat(verdicts)}
        """;

    /// <summary>Whether Redis is there, lets us in, runs scripts and takes writes. KEYS: a key of its own.</summary>
    public const string Probe = "return redis.call('SET', KEYS[1], 1, 'PX', 60000)";
}
