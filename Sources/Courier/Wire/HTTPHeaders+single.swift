import NIOHTTP1
import References

extension HTTPHeaders {
    /// The one value of a field that may be there once; repetitions must agree.
    /// - Throws: `CourierError.refusedAnswer` with `.promise`.
    func single(_ name: String, of origin: Origin) throws(CourierError) -> String? {
        let values = Set(self[name])
        guard values.count <= 1 else { throw .refusedAnswer(origin, .promise) }
        return values.first
    }
}
