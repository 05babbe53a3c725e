import CWebAssets
import HTTPTypes
import Hummingbird

/// The page's files, as they lie in the binary.
enum AssetRoutes {
    static func add(to router: Router<GatewayContext>) {
        var count = 0
        guard let table = cw_assets(&count) else { return }
        for asset in UnsafeBufferPointer(start: table, count: count) {
            let body = ByteBuffer(bytes: UnsafeRawBufferPointer(start: asset.bytes, count: asset.length))
            let type = String(cString: asset.content_type)
            router.get(RouterPath(String(cString: asset.path))) { _, _ in
                Response(status: .ok, headers: [.contentType: type], body: .init(byteBuffer: body))
            }
        }
    }
}
